import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { RenderError } from '../../shared/http/handle-errors.ts';
import type { HttpError } from '../../shared/http/http-error.ts';

/** One JSON-RPC message. Batches were removed from MCP in 2025-06-18, and half of one cannot be refused. */
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

/** A refusal as a JSON-RPC error that answers no request in particular (JSON-RPC 2.0 §5.1). */
export const renderJsonRpcError: RenderError = (error) => ({
  type: 'application/json',
  body: {
    jsonrpc: '2.0',
    id: null,
    error: {
      code: codeOf(error),
      message: error.message,
      ...(error.fields.length > 0 && { data: { errors: error.fields } }),
    },
  },
});

function codeOf({ status, code }: HttpError): number {
  if (status >= 500) return INTERNAL_ERROR;
  return code === 'malformed_json' ? PARSE_ERROR : INVALID_REQUEST;
}

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;
