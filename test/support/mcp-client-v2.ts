import { PassThrough } from 'node:stream';
import {
  Client,
  StreamableHTTPClientTransport,
  type Transport,
  type VersionNegotiationOptions,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { startStdio } from '../../mcp/stdio.ts';
import type { System, TestClient } from './start-system.ts';

/** The client of version 2 of the SDK, which speaks MCP 2026-07-28 and the earlier revisions. Disposing it closes it. */
export type McpClientV2 = Client & AsyncDisposable;

/** How a client finds the revision: `legacy` never asks for 2026-07-28, `auto` falls back, and the pinned one does not. */
export type Mode = NonNullable<VersionNegotiationOptions['mode']>;

export const PINNED = { pin: '2026-07-28' } as const;

/** Connects a client over `transport`. */
export async function connectClientV2(transport: Transport, mode: Mode): Promise<McpClientV2> {
  const client = new Client({ name: 'test', version: '2' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Connects over Streamable HTTP with an access token for all scopes of the client. */
export async function connectV2OverHttp(
  { getAccessToken, mcpResource }: Pick<System, 'getAccessToken' | 'mcpResource'>,
  client: TestClient,
  mode: Mode = PINNED,
): Promise<McpClientV2> {
  const token = await getAccessToken(client, { resource: mcpResource });
  const authProvider = { token: async () => token };
  return connectClientV2(new StreamableHTTPClientTransport(new URL(mcpResource), { authProvider }), mode);
}

/** Starts an MCP server process and connects to it over stdio. */
export function connectV2OverStdio(
  { apiResource }: Pick<System, 'apiResource'>,
  { id, secret }: TestClient,
  mode: Mode = PINNED,
): Promise<McpClientV2> {
  const env = { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: apiResource };
  return connectClientV2(
    new StdioClientTransport({ command: process.execPath, args: ['mcp/stdio.ts'], env, stderr: 'pipe' }),
    mode,
  );
}

/** Connects over the stdio transport to a server in this process, which starts sooner than a process. */
export async function connectV2OverStreams(
  { apiResource }: Pick<System, 'apiResource'>,
  { id, secret }: TestClient,
  variables: Record<string, string> = {},
): Promise<McpClientV2> {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const env = { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: apiResource, LOG_LEVEL: 'silent' };
  const server = await startStdio({ ...env, ...variables }, { input: toServer, output: toClient });
  // the transport of the client is the same class: it reads messages from one stream and writes to another
  const client = await connectClientV2(new StdioServerTransport(toClient, toServer), PINNED);
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  });
}
