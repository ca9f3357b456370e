import {
  isJSONRPCRequest,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  ProtocolErrorCode,
  Server,
  type StandardSchemaV1Sync,
  specTypeSchemas,
  type Transport,
} from '@modelcontextprotocol/server';
import { restoreResourceNotFound } from './2025-11-25/resource-not-found.ts';

/**
 * The SDK's server, which answers invalid params with -32602 and a sentence, and keeps the error codes of earlier revisions.
 * The SDK alone answers -32603 with all messages of its schema.
 */
export class ParamsValidatingServer extends Server {
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(restoreResourceNotFound(message), options);
    transport.onmessage = (message, extra) => {
      // 2026-07-28 has no such method
      const isRemoved = extra?.classification?.era === 'modern' && Object(message).method === 'initialize';
      const error = isRemoved ? undefined : findInvalidParams(message);
      if (error === undefined) onmessage?.(message, extra);
      else transport.send(error).catch((cause) => this.onerror?.(cause));
    };
  }
}

/** The error response to a request whose params do not match its method (JSON-RPC 2.0 §5.1). */
function findInvalidParams(message: JSONRPCMessage): JSONRPCErrorResponse | undefined {
  if (!isJSONRPCRequest(message)) return undefined;
  const { id, method, params } = message;
  const issues = SCHEMAS.get(method)?.['~standard'].validate(message).issues ?? [];
  const fields = [...new Set(issues.map(({ path = [] }) => path.slice(0, 2).join('.')))];
  if (fields.length > 0)
    return invalidParams(`${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} missing or not valid`);
  // each list has one page, so no cursor is one of this server (MCP 2025-11-25, Pagination)
  if (method.endsWith('/list') && params?.cursor !== undefined)
    return invalidParams('params.cursor is not one of this server: the list has one page');
  return undefined;

  function invalidParams(problem: string): JSONRPCErrorResponse {
    return { jsonrpc: '2.0', id, error: { code: ProtocolErrorCode.InvalidParams, message: `${method}: ${problem}` } };
  }
}

const SCHEMAS = new Map<string, StandardSchemaV1Sync>([
  ['initialize', specTypeSchemas.InitializeRequest],
  ['tools/list', specTypeSchemas.ListToolsRequest],
  ['tools/call', specTypeSchemas.CallToolRequest],
  ['resources/list', specTypeSchemas.ListResourcesRequest],
  ['resources/templates/list', specTypeSchemas.ListResourceTemplatesRequest],
  ['resources/read', specTypeSchemas.ReadResourceRequest],
  ['prompts/list', specTypeSchemas.ListPromptsRequest],
  ['prompts/get', specTypeSchemas.GetPromptRequest],
  ['completion/complete', specTypeSchemas.CompleteRequest],
]);
