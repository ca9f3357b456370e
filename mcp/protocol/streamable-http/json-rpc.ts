import { isSpecType, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { RenderError } from '../../../shared/http/handle-errors.ts';
import type { HttpError } from '../../../shared/http/http-error.ts';
import { findMessageId, tolerateMessage } from '../tolerant-message.ts';

/** One JSON-RPC message. A batch is rejected: MCP removed batches in 2025-06-18, and no part of one can be rejected alone. */
const StrictMessage = z
  .looseObject(
    {
      jsonrpc: z.literal('2.0', '"2.0"'),
      method: z.string('a string').optional(),
      params: z.looseObject({ name: z.unknown().optional() }, 'a JSON object').optional(),
    },
    'one JSON-RPC message',
  )
  .refine((message) => isSpecType.JSONRPCMessage(message), 'one JSON-RPC message');

/** One JSON-RPC message, as real clients send them. */
export const JsonRpcMessage = z.preprocess(tolerateMessage, StrictMessage);
export type JsonRpcMessage = z.infer<typeof JsonRpcMessage>;

/**
 * Renders a rejected HTTP request as a JSON-RPC error. It has the id of the request, or null when the body was not read or has
 * none (JSON-RPC 2.0 §5). Its data has the code of the problem, and the members that the problem has.
 */
export const renderJsonRpcError: RenderError = (error, { json }) => ({
  type: 'application/json',
  body: {
    jsonrpc: '2.0',
    id: findMessageId(json) ?? null,
    error: {
      code: findProtocolErrorCode(error),
      message: error.message,
      data: {
        code: error.code,
        ...(error.fields.length > 0 && { errors: error.fields }),
        ...error.members,
      },
    },
  },
});

function findProtocolErrorCode({ status, code }: HttpError): number {
  if (status >= 500) return ProtocolErrorCode.InternalError;
  return code === 'malformed_json' ? ProtocolErrorCode.ParseError : ProtocolErrorCode.InvalidRequest;
}
