import { isIPv6 } from 'node:net';
import { type ApiConfig, readApiServerConfig } from '../api/config.ts';
import { type AuthConfig, readAuthConfig } from '../auth/config.ts';
import { type McpConfig, readMcpServerConfig } from '../mcp/config.ts';
import { checkTogether, type Environment, resolveEnvironment } from '../shared/configuration/environment.ts';

/** The configurations of the three services in one process. api and mcp get their client secrets when auth has them. */
export type StartConfig = {
  readonly auth: AuthConfig;
  readonly api: Omit<ApiConfig, 'OAUTH_CLIENT_SECRET'>;
  readonly mcp: Omit<McpConfig, 'OAUTH_CLIENT_SECRET'>;
};

/**
 * Reads the configurations of auth, api and mcp for one process. api and mcp are the clients `api` and `mcp` of auth, and
 * mcp reaches api in this process, whatever the environment says about their client and API_BASE_URL.
 * @throws {InvalidConfigurationError} with everything that is wrong for all three.
 */
export function readStartConfig(given: Environment): StartConfig {
  const environment = resolveEnvironment(given);
  checkTogether([readAuthConfig, readApiServerConfig, readMcpServerConfig].map((read) => () => read(environment)));
  // a person reads the output of this process, so only warnings are logged unless the environment asks for more
  const logging = environment.LOG_LEVEL ? {} : ({ LOG_LEVEL: 'warn' } as const);
  const auth = { ...readAuthConfig(environment), ...logging };
  const api = { ...readApiServerConfig(environment), ...logging };
  const mcp = { ...readMcpServerConfig(environment), ...logging };
  // the services reach each other on this machine, not through a proxy in front of them
  const host = hostToConnectTo(auth.HOST);
  const AUTH_URL = api.AUTH_URL ?? `http://${host}:${auth.AUTH_PORT}`;
  return {
    auth,
    api: { ...api, AUTH_URL, OAUTH_CLIENT_ID: 'api' },
    mcp: {
      ...mcp,
      AUTH_URL,
      API_BASE_URL: `http://${host}:${api.API_PORT}${new URL(api.API_RESOURCE).pathname}`,
      OAUTH_CLIENT_ID: 'mcp',
      OAUTH_TOKEN_URL: undefined,
    },
  };
}

/** The host of a URL that reaches a server listening on `host`, which may stand for every address. */
function hostToConnectTo(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
