import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { resolveFiles } from '../shared/configuration/environment.ts';
import { identifierSchema } from '../shared/configuration/variables.ts';
import { createLogger } from '../shared/logger.ts';
import { createTokenRequest } from '../shared/oauth-client/token-request.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { createClientCredentialsSource } from './access-tokens/client-credentials.ts';
import { readStdioConfig } from './config.ts';
import { FEATURES, readOnly } from './features.ts';
import { createMcpServer } from './protocol/server.ts';
import { createTodoApiDiscovery } from './todo-api/discovery.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

// a process that an assistant's host starts: it ends when the host closes its stdin, or with a signal
await runUntilSignalled(async (resources) => {
  const environment = resolveFiles(process.env);
  const config = readStdioConfig(environment);
  const logger = createLogger({ name: 'mcp', level: config.LOG_LEVEL, stream: 'stderr' });
  const discovery = createTodoApiDiscovery({
    apiBaseUrl: config.API_BASE_URL,
    tokenUrl: config.OAUTH_TOKEN_URL,
    identifier: identifierSchema(environment),
    fetch,
  });
  const requestAccessToken = createTokenRequest({
    authorizationServer: discovery.authorizationServer,
    clientId: config.OAUTH_CLIENT_ID,
    clientSecret: config.OAUTH_CLIENT_SECRET,
    fetch,
  });
  const accessTokens = createClientCredentialsSource({ requestAccessToken, resource: discovery.resource });
  const todos = createTodoApi({ baseUrl: discovery.baseUrl, accessTokens, fetch });
  const info = { name: config.SERVER_NAME, version: config.SERVER_VERSION };
  const features = config.MCP_READ_ONLY ? readOnly(FEATURES) : FEATURES;
  const server = createMcpServer({
    todos,
    info,
    features,
    // without an access token everything is shown: a call says then what is wrong
    grantedScopes: () => accessTokens.grantedScopes().catch(() => undefined),
    logger,
  });
  // what the host sent is not repeated: it may hold anything
  server.onerror = (error) =>
    logger.warn({ reason: error.name }, 'a line on stdin is no JSON-RPC message, and was dropped');
  // the host went away, and with it everybody who would read an answer
  process.stdout.on('error', () => process.exit());
  await server.connect(new StdioServerTransport());
  resources.defer(() => server.close());
});
