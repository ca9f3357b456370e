import * as z from 'zod';
import { type Environment, readEnvironment, resolveEnvironment } from '../shared/configuration/environment.ts';
import { dataDirectory, httpUrl, identifiers } from '../shared/configuration/variables.ts';
import { createIssuer } from '../shared/resource-server/issuer.ts';

/**
 * Reads the settings of a command that sends requests to auth. `environment` is the resolved environment.
 * @throws {InvalidConfigurationError}
 */
export function readSettings(given: Environment, { fetch: transport = fetch }: { fetch?: typeof fetch } = {}) {
  const environment = resolveEnvironment(given);
  const { AUTH_ISSUER, AUTH_URL, API_RESOURCE, YATA_DATA_DIR } = readEnvironment(
    z.object({ ...identifiers(environment), AUTH_URL: httpUrl.optional(), YATA_DATA_DIR: dataDirectory }),
    environment,
  );
  return {
    environment,
    issuer: createIssuer({ identifier: AUTH_ISSUER, url: AUTH_URL, fetch: transport }),
    apiResource: API_RESOURCE,
    dataDirectory: YATA_DATA_DIR,
  };
}
