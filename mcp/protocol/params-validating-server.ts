import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  isJSONRPCRequest,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type * as z from 'zod';

/**
 * The SDK's server, which answers invalid params with -32602 and a sentence. The SDK alone answers -32603 with all
 * messages of its schema.
 */
export class ParamsValidatingServer extends Server {
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      const error = findInvalidParams(message);
      if (error === undefined) onmessage?.(message, extra);
      else transport.send(error).catch((cause) => this.onerror?.(cause));
    };
  }
}

/** The error response to a request whose params do not match its method (JSON-RPC 2.0 §5.1). */
function findInvalidParams(message: JSONRPCMessage): JSONRPCErrorResponse | undefined {
  if (!isJSONRPCRequest(message)) return undefined;
  const { id, method, params } = message;
  const issues = SCHEMAS.get(method)?.safeParse(message).error?.issues ?? [];
  const fields = [...new Set(issues.map(({ path }) => path.slice(0, 2).join('.')))];
  if (fields.length > 0)
    return invalidParams(`${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} missing or not valid`);
  // each list has one page, so no cursor is one of this server (MCP 2025-11-25, Pagination)
  if (method.endsWith('/list') && params?.cursor !== undefined)
    return invalidParams('params.cursor is not one of this server: the list has one page');
  return undefined;

  function invalidParams(problem: string): JSONRPCErrorResponse {
    return { jsonrpc: '2.0', id, error: { code: ErrorCode.InvalidParams, message: `${method}: ${problem}` } };
  }
}

const SCHEMAS = new Map<string, { readonly safeParse: (message: unknown) => { readonly error?: z.ZodError } }>([
  ['initialize', InitializeRequestSchema],
  ['tools/list', ListToolsRequestSchema],
  ['tools/call', CallToolRequestSchema],
  ['resources/list', ListResourcesRequestSchema],
  ['resources/templates/list', ListResourceTemplatesRequestSchema],
  ['resources/read', ReadResourceRequestSchema],
  ['prompts/list', ListPromptsRequestSchema],
  ['prompts/get', GetPromptRequestSchema],
  ['completion/complete', CompleteRequestSchema],
]);
