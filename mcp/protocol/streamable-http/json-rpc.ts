import { ErrorCode, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { RenderError } from '../../../shared/http/handle-errors.ts';
import type { HttpError } from '../../../shared/http/http-error.ts';

/** One JSON-RPC message. A batch is rejected: MCP removed batches in 2025-06-18, and no part of one can be rejected alone. */
export const JsonRpcMessage = z
  .looseObject(
    {
      jsonrpc: z.literal('2.0', '"2.0"'),
      method: z.string('a string').optional(),
      params: z.looseObject({ name: z.unknown().optional() }, 'a JSON object').optional(),
    },
    'one JSON-RPC message',
  )
  .refine((message) => JSONRPCMessageSchema.safeParse(message).success, 'one JSON-RPC message');
export type JsonRpcMessage = z.infer<typeof JsonRpcMessage>;

/**
 * Renders a rejected HTTP request as a JSON-RPC error without a request id (JSON-RPC 2.0 §5.1). Its data has the code of
 * the problem, and the members that the problem has.
 */
export const renderJsonRpcError: RenderError = (error) => ({
  type: 'application/json',
  body: {
    jsonrpc: '2.0',
    id: null,
    error: {
      code: findErrorCode(error),
      message: error.message,
      data: {
        code: error.code,
        ...(error.fields.length > 0 && { errors: error.fields }),
        ...error.members,
      },
    },
  },
});

function findErrorCode({ status, code }: HttpError): number {
  if (status >= 500) return ErrorCode.InternalError;
  return code === 'malformed_json' ? ErrorCode.ParseError : ErrorCode.InvalidRequest;
}
