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
