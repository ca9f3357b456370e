import type { JSONRPCMessage } from '@modelcontextprotocol/server';

/** The error code for a URI without a resource (MCP 2025-11-25, Resources). */
const RESOURCE_NOT_FOUND = -32002;

/** Stands for `RESOURCE_NOT_FOUND` in an error that is thrown: the SDK replaces that by the code of 2026-07-28. */
export const THROWN_RESOURCE_NOT_FOUND = -2002;

/** Returns a message with the code that `THROWN_RESOURCE_NOT_FOUND` stands for. */
export function restoreResourceNotFound(message: JSONRPCMessage): JSONRPCMessage {
  if (!('error' in message) || message.error.code !== THROWN_RESOURCE_NOT_FOUND) return message;
  return { ...message, error: { ...message.error, code: RESOURCE_NOT_FOUND } };
}
