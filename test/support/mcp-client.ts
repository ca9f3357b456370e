import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { FEATURES } from '../../mcp/features.ts';
import { startMcpApp } from './start-mcp-app.ts';
import type { System, TestClient } from './start-system.ts';
import type { TodoApiDouble } from './start-todo-api-double.ts';

/** The SDK's client as an assistant's host has one. Disposing it closes it, and ends its process over stdio. */
export type McpClient = Client & AsyncDisposable;

export async function connect(transport: Transport): Promise<McpClient> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Connects over Streamable HTTP: the SDK's client finds its own way from the URL (401, metadata, token endpoint). */
export function connectOverHttp(
  { issuer, mcpResource }: Pick<System, 'issuer' | 'mcpResource'>,
  { id, secret }: TestClient,
  { query = '', fetch }: { query?: string; fetch?: typeof globalThis.fetch } = {},
): Promise<McpClient> {
  const authProvider = new ClientCredentialsProvider({ clientId: id, clientSecret: secret, expectedIssuer: issuer });
  const url = new URL(mcpResource + query);
  return connect(new StreamableHTTPClientTransport(url, { authProvider, ...(fetch && { fetch }) }));
}

/** Connects over stdio to a process of its own. */
export function connectOverStdio(
  { apiResource }: Pick<System, 'apiResource'>,
  { id, secret }: TestClient,
  variables: Record<string, string> = {},
): Promise<McpClient> {
  const env = { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: apiResource, ...variables };
  return connect(new StdioClientTransport({ command: process.execPath, args: ['mcp/stdio.ts'], env, stderr: 'pipe' }));
}

/** Both transports, by the name that a test is given. */
export const ROADS = [
  ['Streamable HTTP', (system: System, client: TestClient) => connectOverHttp(system, client)],
  ['stdio', (system: System, client: TestClient) => connectOverStdio(system, client)],
] as const;

/** Connects to a todo API double over either transport: over HTTP through an app of its own. */
export const ROADS_TO_DOUBLE = [
  [
    'Streamable HTTP',
    async ({ resource }: TodoApiDouble): Promise<McpClient> => {
      const mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: resource });
      const requestInit = { headers: { authorization: `Bearer ${await mcp.issuer.issue()}` } };
      const client = await connect(new StreamableHTTPClientTransport(new URL(mcp.resource), { requestInit }));
      return Object.assign(client, {
        async [Symbol.asyncDispose]() {
          await client.close();
          await mcp[Symbol.asyncDispose]();
        },
      });
    },
  ],
  [
    'stdio',
    ({ resource, tokenUrl }: TodoApiDouble): Promise<McpClient> =>
      connectOverStdio({ apiResource: resource }, { id: 'test', secret: 'test' }, { OAUTH_TOKEN_URL: tokenUrl }),
  ],
] as const;
