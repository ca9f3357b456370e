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
import { runContestant } from './run-contestant.ts';
import { toolCallRequest } from './tool-call-request.ts';

// the whole chain: the guard of mcp, the tool, the guard of api and its database, all in this one process
await runContestant(async (resources) => {
  const { path } = resources.use(makeTemporaryDirectory());
  const database = resources.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const environment = {
    AUTH_PORT: String(authPort),
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    // the address that the load uses, for mcp refuses another Host
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

  const demo = findOrCreateCredentials(path, 'demo');
  const getAccessToken = async (resource: string) => {
    const response = await fetch(`http://127.0.0.1:${authPort}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${demo.OAUTH_CLIENT_ID}:${demo.OAUTH_CLIENT_SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
    });
    const { access_token } = Object(await response.json());
    return String(access_token);
  };
  const forApi = await getAccessToken(mcp.API_RESOURCE);
  for (let number = 0; number < 20; number++) {
    await fetch(`http://127.0.0.1:${apiPort}/api/v1/todos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${forApi}`, 'content-type': 'application/json' },
      body: JSON.stringify({ title: `Todo number ${number}` }),
    });
  }
  const accessToken = await getAccessToken(mcp.MCP_RESOURCE);
  return toolCallRequest({ url: mcp.MCP_RESOURCE, accessToken });
});
