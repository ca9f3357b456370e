import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { startMcp } from '../../mcp/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import { requestTodos } from '../../test/support/request-todos.ts';
import { runContestant } from './run-contestant.ts';
import { ToolCallArguments, toolCallRequest } from './tool-call-request.ts';

// All services in one process: the guard of mcp, the tool, the guard of api, and its database.
await runContestant(async (resources) => {
  const call = ToolCallArguments.parse(process.argv.slice(2));
  const { path } = resources.use(makeTemporaryDirectory());
  const database = resources.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const environment = {
    AUTH_PORT: String(authPort),
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    // the address of the load, because mcp rejects any other Host
    MCP_RESOURCE: `http://127.0.0.1:${mcpPort}/mcp`,
    API_RATE_LIMIT: '1000000000',
    YATA_DATA_DIR: path,
    LOG_LEVEL: 'warn',
  };
  resources.use(await startAuth(readAuthConfig(environment), database));
  resources.use(await startApi(readApiConfig(environment), database));
  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(path, 'mcp');
  const mcp = readMcpConfig({ ...environment, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET });
  resources.use(await startMcp(mcp));

  const credentials = findOrCreateCredentials(path, 'demo');
  const demo = { id: credentials.OAUTH_CLIENT_ID, secret: credentials.OAUTH_CLIENT_SECRET };
  const issuer = `http://127.0.0.1:${authPort}`;
  const forApi = await requestAccessToken(issuer, demo, { resource: mcp.API_RESOURCE });
  for (let number = 0; number < 20; number++) {
    await requestTodos(`http://127.0.0.1:${apiPort}/api/v1`, forApi, {
      method: 'POST',
      body: JSON.stringify({ title: `Todo number ${number}` }),
    });
  }
  const accessToken = await requestAccessToken(issuer, demo, { resource: mcp.MCP_RESOURCE });
  return toolCallRequest(call, { url: mcp.MCP_RESOURCE, accessToken });
});
