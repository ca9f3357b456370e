import * as z from 'zod';
import { type Environment, readEnvironment } from '../shared/configuration/environment.ts';
import { clientVariables } from '../shared/configuration/variables.ts';

const ClientCredentials = z.object(clientVariables);
export type ClientCredentials = z.infer<typeof ClientCredentials>;

/**
 * Reads the credentials of a client from a resolved environment; undefined when neither variable is set.
 * @throws {InvalidConfigurationError} when only one of the two is set, which is a mistake.
 */
export function findClientCredentials(environment: Environment): ClientCredentials | undefined {
  const anySet = ['OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'].some(
    (name) => environment[name] || environment[`${name}_FILE`],
  );
  return anySet ? readEnvironment(ClientCredentials, environment) : undefined;
}
