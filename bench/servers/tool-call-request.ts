import * as z from 'zod';
import type { LoadRequest } from '../load-request.ts';

/** What is called: the list with 20 todos or with one, or the list with 20 todos and a progress token. */
const ToolCall = z.enum(['20-todos', 'one-todo', 'progress']);

/** The arguments of a script that answers tool calls: the revision of MCP, and what is called. */
export const ToolCallArguments = z.tuple([z.enum(['2025-11-25', '2026-07-28']), ToolCall]);
type ToolCallArguments = z.infer<typeof ToolCallArguments>;

/** A tool call of list_todos over Streamable HTTP. */
export function toolCallRequest(
  [revision, call]: ToolCallArguments,
  { url, accessToken }: { url: string; accessToken: string },
): LoadRequest {
  const isModern = revision === '2026-07-28';
  const meta = {
    ...(call === 'progress' && { progressToken: 1 }),
    ...(isModern && {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }),
  };
  return {
    url,
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      ...(isModern && { 'mcp-method': 'tools/call', 'mcp-name': 'list_todos' }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'list_todos', arguments: { limit: call === 'one-todo' ? 1 : 20 }, _meta: meta },
    }),
  };
}
