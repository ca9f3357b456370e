import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { startMcp } from '../../mcp/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import type { System } from './start-system.ts';

/**
 * Starts a second auth, api and mcp on the database of a system, as an operator does who runs two of each. api and mcp read
 * the status lists from the second auth.
 */
export async function startSecond(system: System, variables: Record<string, string> = {}) {
  await using starting = new AsyncDisposableStack();
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const url = `http://127.0.0.1:${authPort}`;
  const environment = {
    ...system.environment,
    AUTH_PORT: String(authPort),
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    AUTH_URL: url,
    MCP_ALLOWED_HOSTS: `127.0.0.1:${mcpPort}`,
    ...variables,
  };
  const credentials = { OAUTH_CLIENT_ID: 'api', OAUTH_CLIENT_SECRET: system.environment.API_CLIENT_SECRET ?? '' };
  starting.use(await startAuth(readAuthConfig(environment), system.database));
  starting.use(await startApi(readApiConfig({ ...environment, ...credentials }), system.database));
  starting.use(await startMcp(readMcpConfig(environment)));
  const started = starting.move();
  return {
    url,
    apiResource: `http://127.0.0.1:${apiPort}/api/v1`,
    mcpResource: `http://127.0.0.1:${mcpPort}/mcp`,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
