import * as z from 'zod';
import { type Environment, readEnvironment, resolveEnvironment } from '../shared/configuration/environment.ts';
import {
  corsOrigins,
  databaseUrl,
  dataDirectory,
  httpUrl,
  identifiers,
  migrations,
  port,
  processVariables,
  rateLimitVariables,
  trustedProxies,
  wholeNumber,
} from '../shared/configuration/variables.ts';

const CREDENTIALS = 'OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET, or neither';

/** The variables of the todo API that do not concern its client. */
function serverVariables(environment: Environment) {
  return {
    ...identifiers(environment),
    ...processVariables,
    API_PORT: port.default(3001),
    ...rateLimitVariables,
    /** Todos that each subject can store. Deleted todos count until they are purged. */
    QUOTA_TODOS: wholeNumber('todos', 1, 2_000_000_000).default(50_000),
    /** Bytes of text in todos that each subject can store. */
    QUOTA_BYTES: wholeNumber('bytes', 1, 1_000_000_000_000).default(100_000_000),
    API_CORS_ORIGINS: corsOrigins,
    /** The reverse proxies each of which may have all connections. */
    API_TRUSTED_PROXIES: trustedProxies,
    API_DATABASE_URL: databaseUrl,
    MIGRATIONS: migrations,
    YATA_DATA_DIR: dataDirectory,
    /** The address at which api reaches the authorization server, if it differs from the issuer. */
    AUTH_URL: httpUrl.optional(),
  };
}

export type ApiConfig = ReturnType<typeof readApiConfig>;

/** Reads the configuration of the todo API. @throws {InvalidConfigurationError} */
export function readApiConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(
    z
      .object({
        ...serverVariables(environment),
        /** The client as which api reads the status lists; absent: it reads them without authentication. */
        OAUTH_CLIENT_ID: z.string().optional(),
        OAUTH_CLIENT_SECRET: z.string().optional(),
      })
      .refine(({ OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret }) => (id === undefined) === (secret === undefined), {
        path: ['OAUTH_CLIENT_SECRET'],
        message: CREDENTIALS,
      }),
    environment,
  );
}

/**
 * Reads the same configuration without the client, for a process that starts auth too and decides it itself.
 * @throws {InvalidConfigurationError}
 */
export function readApiServerConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(z.object(serverVariables(environment)), environment);
}
