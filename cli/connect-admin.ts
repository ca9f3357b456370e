import { existsSync } from 'node:fs';
import {
  type Credentials,
  credentialsPath,
  readCredentials,
  replaceCredentials,
} from '../auth/clients/credentials-file.ts';
import type { Environment } from '../shared/configuration/environment.ts';
import { type AdminClient, createAdminClient } from './admin-client.ts';
import { findClientCredentials } from './client-credentials.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { readSettings } from './read-settings.ts';

/** Stores the new secret of a client in the file that held the old one, and returns its path; undefined without such a file. */
export type StoreCredentials = (credentials: Credentials) => string | undefined;

/** What the administrator's commands work with. */
export type AdminConnection = { readonly admin: AdminClient; readonly storeCredentials: StoreCredentials };

/**
 * Connects to the admin API of auth with the credentials in the environment, or else with those of the client `admin` in
 * the data directory. It sends no request.
 * @param notify writes a line for the user while a command waits for auth.
 * @throws {InvalidConfigurationError} @throws {InsecureFileError} when other users could have written the credentials.
 * @throws when there are no credentials.
 */
export function connectAdmin(given: Environment, notify: (text: string) => void): AdminConnection {
  const { environment, issuer, dataDirectory } = readSettings(given, { fetch: createPatientFetch({ notify }) });
  const fromEnvironment = findClientCredentials(environment);
  if (fromEnvironment !== undefined)
    return {
      admin: createAdminClient({
        issuer,
        credentials: fromEnvironment,
        source: 'OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET',
      }),
      // the data directory here may belong to another installation than the one that these credentials are for
      storeCredentials: () => undefined,
    };
  const path = credentialsPath(dataDirectory, 'admin');
  if (!existsSync(path))
    throw new Error(
      `No administrator credentials in ${dataDirectory.replace(/\/*$/, '/')}. Run npm start first, or set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET.`,
    );
  return {
    admin: createAdminClient({ issuer, credentials: readCredentials(dataDirectory, 'admin'), source: path }),
    storeCredentials: (credentials) => replaceCredentials(dataDirectory, credentials),
  };
}
