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

/** Opens an installation in which auth is a process, which a test can kill. api and mcp run in the process of the test. */
export async function openSplitInstallation() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const database = opening.use(await openTestDatabase());
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
  const opened = opening.move();
  return {
    authPort,
    issuer,
    apiResource,
    mcpResource,
    /** Reads the credentials of the client `demo`, which auth registers at its first start. */
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
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
