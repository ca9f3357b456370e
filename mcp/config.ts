import * as z from 'zod';
import { type Environment, readEnvironment, resolveFiles } from '../shared/configuration/environment.ts';
import { corsOrigins, httpUrl, identifiers, port, processVariables } from '../shared/configuration/variables.ts';

/** What an MCP client is told of the server, over either transport. */
const serverVariables = {
  SERVER_NAME: z.string().default('yata'),
  SERVER_VERSION: z.string().default('0.1.0'),
  /** Whether only what reads is offered, whatever an access token allows. */
  MCP_READ_ONLY: z
    .enum(['true', 'false'], 'true or false')
    .default('false')
    .transform((value) => value === 'true'),
};

/** The client that an MCP process is at the authorization server. */
const clientVariables = {
  OAUTH_CLIENT_ID: z.string('the id of a client'),
  OAUTH_CLIENT_SECRET: z.string('the secret of that client'),
  /** The token endpoint; absent: taken from the metadata. */
  OAUTH_TOKEN_URL: httpUrl.optional(),
};

export type McpConfig = ReturnType<typeof readMcpConfig>;

/** Reads what the MCP server over Streamable HTTP is to be. @throws {InvalidConfigurationError} */
export function readMcpConfig(given: Environment) {
  const environment = resolveFiles(given);
  const { API_RESOURCE, ...others } = identifiers(environment);
  return readEnvironment(
    z.object({
      ...others,
      ...processVariables,
      ...serverVariables,
      ...clientVariables,
      API_RESOURCE,
      MCP_PORT: port.default(3002),
      MCP_CORS_ORIGINS: corsOrigins,
      /** Where the authorization server is reached, when that is not the issuer's own address. */
      AUTH_URL: httpUrl.optional(),
      /** Where the todo API is reached, when that is not its resource identifier. */
      API_BASE_URL: httpUrl.optional(),
    }),
    environment,
  );
}

/** Reads what the MCP server over stdio is to be. @throws {InvalidConfigurationError} */
export function readStdioConfig(given: Environment) {
  const environment = resolveFiles(given);
  return readEnvironment(
    z.object({
      ...serverVariables,
      ...clientVariables,
      LOG_LEVEL: processVariables.LOG_LEVEL,
      /** The todo API, or the origin that it is at; absent: its resource identifier. */
      API_BASE_URL: httpUrl.prefault(
        environment.API_RESOURCE || `http://localhost:${environment.API_PORT || 3001}/api/v1`,
      ),
    }),
    environment,
  );
}
