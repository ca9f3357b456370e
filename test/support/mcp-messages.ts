/** The first request of an MCP session. */
export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
} as const;

export const LIST_TOOLS = { jsonrpc: '2.0', id: 1, method: 'tools/list' } as const;

/** Creates a request that calls a tool. */
export function createToolCall(name: string, args: object = {}) {
  return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
}

/** The members of `_meta` that every request of MCP 2026-07-28 has. */
const REQUEST_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
} as const;

/** Creates a request of MCP 2026-07-28, and the headers that repeat parts of it. */
export function createModernRequest(method: string, { _meta, ...params }: Record<string, unknown> = {}) {
  const name = params.name ?? params.uri;
  return {
    message: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: { ...REQUEST_META, ...Object(_meta) } } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    },
  };
}
