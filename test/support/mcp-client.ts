import { PassThrough } from 'node:stream';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { FEATURES, type ServerFeatures } from '../../mcp/features.ts';
import { startStdio } from '../../mcp/stdio.ts';
import { startMcpApp } from './start-mcp-app.ts';
import type { System, TestClient } from './start-system.ts';
import type { TodoApiDouble } from './start-todo-api-double.ts';

/** The MCP client of the SDK. Disposing it closes it; over stdio that ends the server process. */
export type McpClient = Client & AsyncDisposable;

/** Connects a client over `transport`. */
export async function connectMcpClient(transport: Transport): Promise<McpClient> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Connects over Streamable HTTP. From the URL the SDK follows the 401 response to the metadata and the token endpoint. */
export function connectOverHttp(
  { issuer, mcpResource }: Pick<System, 'issuer' | 'mcpResource'>,
  { id, secret }: TestClient,
  { query = '', fetch }: { query?: string; fetch?: typeof globalThis.fetch } = {},
): Promise<McpClient> {
  const authProvider = new ClientCredentialsProvider({ clientId: id, clientSecret: secret, expectedIssuer: issuer });
  const url = new URL(mcpResource + query);
  return connectMcpClient(new StreamableHTTPClientTransport(url, { authProvider, ...(fetch && { fetch }) }));
}

/** Connects over the stdio transport to a server in this process, which can have features that exist only in memory. */
export async function connectOverStreams(
  { apiResource }: Pick<System, 'apiResource'>,
  { id, secret }: TestClient,
  { features, variables = {} }: { features: ServerFeatures; variables?: Record<string, string> },
): Promise<McpClient> {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const env = { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: apiResource, LOG_LEVEL: 'silent' };
  const server = await startStdio({ ...env, ...variables }, { input: toServer, output: toClient, features });
  // the transport of the client is the same class: it reads messages from one stream and writes to another
  const client = await connectMcpClient(new StdioServerTransport(toClient, toServer));
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  });
}

/** Starts an MCP server process and connects to it over stdio. `variables` are environment variables of the process. */
export function connectOverStdio(
  { apiResource }: Pick<System, 'apiResource'>,
  { id, secret }: TestClient,
  variables: Record<string, string> = {},
): Promise<McpClient> {
  const env = { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: apiResource, ...variables };
  return connectMcpClient(
    new StdioClientTransport({ command: process.execPath, args: ['mcp/stdio.ts'], env, stderr: 'pipe' }),
  );
}

/** The transports, by the names that tests show. */
export const TRANSPORTS = [
  ['Streamable HTTP', (system: System, client: TestClient) => connectOverHttp(system, client)],
  ['stdio', (system: System, client: TestClient) => connectOverStdio(system, client)],
] as const;

/**
 * The transports, for an MCP server in front of a todo API double. Over HTTP the server is an app that is started for
 * the connection; over stdio it is a process.
 */
export const TRANSPORTS_TO_DOUBLE = [
  [
    'Streamable HTTP',
    async ({ resource }: TodoApiDouble): Promise<McpClient> => {
      const mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: resource });
      const requestInit = { headers: { authorization: `Bearer ${await mcp.issuer.issue()}` } };
      const client = await connectMcpClient(new StreamableHTTPClientTransport(new URL(mcp.resource), { requestInit }));
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
