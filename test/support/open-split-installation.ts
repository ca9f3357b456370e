import { join } from 'node:path';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { createClientSecret } from '../../auth/clients/client-secret.ts';
import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { startMcp } from '../../mcp/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { createToolCall } from './mcp-messages.ts';
import { postMcpMessage } from './post-mcp-message.ts';
import { requestTodos } from './request-todos.ts';
import { startProcess } from './start-process.ts';
import type { TestClient } from './start-system.ts';

/** An installation whose auth is a process of its own, which may be killed; api and mcp are in this one. */
export async function openSplitInstallation() {
  await using installing = new AsyncDisposableStack();
  const directory = installing.use(makeTemporaryDirectory());
  const database = installing.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const issuer = `http://127.0.0.1:${authPort}`;
  const apiResource = `http://127.0.0.1:${apiPort}/api/v1`;
  const mcpResource = `http://127.0.0.1:${mcpPort}/mcp`;
  const secret = createClientSecret();
  const data = join(directory.path, 'data');
  const identifiers = { AUTH_ISSUER: issuer, API_RESOURCE: apiResource, MCP_RESOURCE: mcpResource };
  const authEnvironment = {
    ...identifiers,
    AUTH_PORT: String(authPort),
    YATA_DATA_DIR: data,
    MCP_CLIENT_SECRET: secret,
    ...(database.kind === 'postgresql' && { AUTH_DATABASE_URL: database.url }),
  };
  const environment = {
    ...identifiers,
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: secret,
    LOG_LEVEL: 'silent',
  };
  const installed = installing.move();
  return {
    authPort,
    issuer,
    apiResource,
    mcpResource,
    /** The client that a new installation starts with. */
    demo(): TestClient {
      const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(data, 'demo');
      return { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
    },
    startAuth: () => startProcess(['auth/main.ts'], authEnvironment, '"listening"'),
    startApi: (variables: Record<string, string> = {}) =>
      startApi(readApiConfig({ ...environment, ...variables }), database),
    startMcp: (variables: Record<string, string> = {}) => startMcp(readMcpConfig({ ...environment, ...variables })),
    useAtApi: async (token: string) => (await requestTodos(apiResource, token)).status,
    useAtMcp: async (token: string) =>
      (await postMcpMessage(mcpResource, createToolCall('list_todos'), { accessToken: token })).status,
    [Symbol.asyncDispose]: () => installed.disposeAsync(),
  };
}
