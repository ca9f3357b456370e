import * as z from 'zod';
import { type Environment, readEnvironment, resolveEnvironment } from '../shared/configuration/environment.ts';
import {
  clientVariables,
  corsOrigins,
  hosts,
  httpUrl,
  identifiers,
  port,
  processVariables,
  rateLimitVariables,
  trustedProxies,
} from '../shared/configuration/variables.ts';

/** What an MCP client learns about the server, over both transports. */
const serverVariables = {
  SERVER_NAME: z.string().default('yata'),
  SERVER_VERSION: z.string().default('0.1.0'),
  /** Whether only the reading tools are offered, whatever scopes an access token has. */
  MCP_READ_ONLY: z
    .enum(['true', 'false'], 'true or false')
    .default('false')
    .transform((value) => value === 'true'),
};

/** The variables of the MCP server over Streamable HTTP that do not concern its client and the way to the todo API. */
function httpServerVariables(environment: Environment) {
  const { API_RESOURCE, ...others } = identifiers(environment);
  return {
    ...others,
    ...processVariables,
    ...serverVariables,
    ...rateLimitVariables,
    API_RESOURCE,
    MCP_PORT: port.default(3002),
    MCP_CORS_ORIGINS: corsOrigins,
    /** Hosts that a request may name beside that of the resource identifier. */
    MCP_ALLOWED_HOSTS: hosts,
    /** The reverse proxies each of which may have all connections. */
    MCP_TRUSTED_PROXIES: trustedProxies,
    /** Where the authorization server is reached, when that is not the issuer's own address. */
    AUTH_URL: httpUrl.optional(),
  };
}

export type McpConfig = ReturnType<typeof readMcpConfig>;

/** Reads the configuration of the MCP server over Streamable HTTP. @throws {InvalidConfigurationError} */
export function readMcpConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(
    z.object({
      ...httpServerVariables(environment),
      ...clientVariables,
      /** Where the todo API is reached, when that is not its resource identifier. */
      API_BASE_URL: httpUrl.optional(),
    }),
    environment,
  );
}

/**
 * Reads the same configuration without the client and without `API_BASE_URL`, for a process that starts auth and api too
 * and decides both itself.
 * @throws {InvalidConfigurationError}
 */
export function readMcpServerConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(z.object(httpServerVariables(environment)), environment);
}

/** Reads the configuration of the MCP server over stdio. @throws {InvalidConfigurationError} */
export function readStdioConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(
    z.object({
      ...serverVariables,
      ...clientVariables,
      LOG_LEVEL: processVariables.LOG_LEVEL,
      /** The resource identifier of the todo API, or the origin of its server; absent: the resource identifier. */
      API_BASE_URL: httpUrl.prefault(
        environment.API_RESOURCE || `http://localhost:${environment.API_PORT || 3001}/api/v1`,
      ),
    }),
    environment,
  );
}
