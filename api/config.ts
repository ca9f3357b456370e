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

const REQUESTS = 'a number of requests from 1 to 1000000000';

export type ApiConfig = ReturnType<typeof readApiConfig>;

/** Reads the configuration of the todo API. @throws {InvalidConfigurationError} */
export function readApiConfig(given: Environment) {
  const environment = resolveFiles(given);
  return readEnvironment(
    z.object({
      ...identifiers(environment),
      ...processVariables,
      API_PORT: port.default(3001),
      /** Requests that each subject can make per minute. Each process counts alone. */
      API_RATE_LIMIT: z.coerce
        .number(REQUESTS)
        .int(REQUESTS)
        .min(1, REQUESTS)
        .max(1_000_000_000, REQUESTS)
        .default(3000),
      API_CORS_ORIGINS: corsOrigins,
      API_DATABASE_URL: databaseUrl,
      YATA_DATA_DIR: dataDirectory,
      /** The address at which api reaches the authorization server, if it differs from the issuer. */
      AUTH_URL: httpUrl.optional(),
    }),
    environment,
  );
}
