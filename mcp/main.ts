import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { createAccessTokenVerifier } from '../shared/oauth/access-token-verifier.ts';
import { createIssuer } from '../shared/oauth/issuer.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createTokenEndpoint } from './access-tokens/token-endpoint.ts';
import { createTokenExchange } from './access-tokens/token-exchange.ts';
import { createMcpApp } from './app.ts';
import { type McpConfig, readMcpConfig } from './config.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

/** Starts the MCP server over Streamable HTTP. Disposing it drains and closes it. */
export async function startMcp(config: McpConfig): Promise<ListeningServer> {
  const logger = createLogger({ name: 'mcp', level: config.LOG_LEVEL });
  const issuer = createIssuer({ identifier: config.AUTH_ISSUER, url: config.AUTH_URL });
  const requestAccessToken = createTokenEndpoint({
    authorizationServer: async () => {
      const token_endpoint = config.OAUTH_TOKEN_URL;
      return token_endpoint === undefined ? issuer.metadata() : { issuer: issuer.identifier, token_endpoint };
    },
    clientId: config.OAUTH_CLIENT_ID,
    clientSecret: config.OAUTH_CLIENT_SECRET,
    fetch: issuer.fetch,
  });
  const app = createMcpApp({
    info: { name: config.SERVER_NAME, version: config.SERVER_VERSION },
    verify: createAccessTokenVerifier({ issuer: config.AUTH_ISSUER, audience: config.MCP_RESOURCE, keys: issuer.keys }),
    protectedResource: {
      resource: config.MCP_RESOURCE,
      authorizationServer: config.AUTH_ISSUER,
      scopes: TODO_SCOPES,
      name: 'yata MCP server',
    },
    exchange: createTokenExchange({ requestAccessToken, resource: config.API_RESOURCE }),
    todoApi: (accessTokens) =>
      createTodoApi({ baseUrl: async () => config.API_BASE_URL ?? config.API_RESOURCE, accessTokens, fetch }),
    checks: { keys: issuer.keys.load },
    logger,
  });
  const server = await serve(app.callback(), { port: config.MCP_PORT, host: config.HOST });
  logger.info({ port: server.port, resource: config.MCP_RESOURCE }, 'listening');
  return server;
}

if (import.meta.main) {
  await runUntilSignalled(async (resources) => {
    resources.use(await startMcp(readMcpConfig(process.env)));
  });
}
