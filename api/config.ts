import * as z from 'zod';
import { type Environment, readEnvironment, resolveFiles } from '../shared/configuration/environment.ts';
import {
  corsOrigins,
  databaseUrl,
  dataDirectory,
  httpUrl,
  identifiers,
  port,
  processVariables,
} from '../shared/configuration/variables.ts';

const REQUESTS = 'a number of requests, 1 or more';

export type ApiConfig = ReturnType<typeof readApiConfig>;

/** Reads what the todo API is to be. @throws {InvalidConfigurationError} */
export function readApiConfig(given: Environment) {
  const environment = resolveFiles(given);
  return readEnvironment(
    z.object({
      ...identifiers(environment),
      ...processVariables,
      API_PORT: port.default(3001),
      /** Requests that a subject may make per minute, in each process. */
      API_RATE_LIMIT: z.coerce
        .number(REQUESTS)
        .int(REQUESTS)
        .min(1, REQUESTS)
        .max(1_000_000_000, REQUESTS)
        .default(3000),
      API_CORS_ORIGINS: corsOrigins,
      API_DATABASE_URL: databaseUrl,
      YATA_DATA_DIR: dataDirectory,
      /** Where the authorization server is reached, when that is not the issuer's own address. */
      AUTH_URL: httpUrl.optional(),
    }),
    environment,
  );
}
