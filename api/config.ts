import * as z from 'zod';
import { type Environment, readEnvironment, resolveFiles } from '../shared/configuration/environment.ts';
import {
  databaseUrl,
  dataDirectory,
  httpUrl,
  identifiers,
  port,
  processVariables,
} from '../shared/configuration/variables.ts';

export type ApiConfig = ReturnType<typeof readApiConfig>;

/** Reads what the todo API is to be. @throws {InvalidConfiguration} */
export function readApiConfig(given: Environment) {
  const environment = resolveFiles(given);
  return readEnvironment(
    z.object({
      ...identifiers(environment),
      ...processVariables,
      API_PORT: port.default(3001),
      API_DATABASE_URL: databaseUrl,
      YATA_DATA_DIR: dataDirectory,
      /** Where the authorization server is reached, when that is not the issuer's own address. */
      AUTH_URL: httpUrl.optional(),
    }),
    environment,
  );
}
