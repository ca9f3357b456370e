import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { requirePrivateDirectory, requirePrivateFile } from '../../shared/configuration/private-directory.ts';
import { replacePrivateFile, writePrivateFile } from '../../shared/configuration/private-file.ts';
import { CHOSEN_CLIENT_ID } from './client-id.ts';
import { CLIENT_SECRET, createClientSecret } from './client-secret.ts';

/** The credentials of a client, under the names that programs read from their environment. */
export type Credentials = { readonly OAUTH_CLIENT_ID: string; readonly OAUTH_CLIENT_SECRET: string };

/** Returns the path of the file with the credentials of one of the first clients. */
export function credentialsPath(dataDirectory: string, clientId: string): string {
  return join(dataDirectory, `${clientId}-client.env`);
}

/**
 * Reads the credentials of one of the first clients. Creates the credentials and their file (mode 0600) if there is
 * none.
 * @throws {InsecureFileError} when other users have access to the directory or may write the file.
 * @throws {Error} when the file does not contain credentials of this client.
 */
export function findOrCreateCredentials(dataDirectory: string, clientId: string): Credentials {
  // before a secret is written where others could read it
  requirePrivateDirectory(dataDirectory);
  const content = () => `OAUTH_CLIENT_ID=${clientId}\nOAUTH_CLIENT_SECRET=${createClientSecret()}\n`;
  writePrivateFile(credentialsPath(dataDirectory, clientId), content);
  return readCredentials(dataDirectory, clientId);
}

/**
 * Replaces the secret in the file that has the credentials of a client, so that programs that read the file keep
 * working.
 * @returns the path of the file, or undefined when no file in `dataDirectory` has credentials of this client.
 * @throws {InsecureFileError} when other users have access to the directory or may write the file.
 */
export function replaceCredentials(dataDirectory: string, credentials: Credentials): string | undefined {
  const { OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: secret } = credentials;
  const path = credentialsPath(dataDirectory, clientId);
  // any other client id could contain a path
  if (!CHOSEN_CLIENT_ID.test(clientId) || !existsSync(path)) return undefined;
  const text = readPrivateFile(dataDirectory, path);
  if (parseEnv(text).OAUTH_CLIENT_ID !== clientId) return undefined;
  // an operator may have added other lines, which stay
  replacePrivateFile(path, text.replace(/^OAUTH_CLIENT_SECRET=.*$/m, `OAUTH_CLIENT_SECRET=${secret}`));
  return path;
}

/**
 * Reads the credentials of one of the first clients.
 * @throws {InsecureFileError} when other users have access to the directory or may write the file: they could have put
 * credentials of their own there.
 * @throws {Error} when there is no such file, or it does not contain credentials of this client.
 */
export function readCredentials(dataDirectory: string, clientId: string): Credentials {
  const path = credentialsPath(dataDirectory, clientId);
  const parsed = z
    .object({ OAUTH_CLIENT_ID: z.literal(clientId), OAUTH_CLIENT_SECRET: z.string().regex(CLIENT_SECRET) })
    .safeParse(existsSync(path) ? parseEnv(readPrivateFile(dataDirectory, path)) : undefined);
  if (!parsed.success) {
    throw new Error(
      `${path}: expected OAUTH_CLIENT_ID=${clientId} and OAUTH_CLIENT_SECRET= with 43 or more characters of base64url`,
    );
  }
  return parsed.data;
}

function readPrivateFile(directory: string, path: string): string {
  requirePrivateDirectory(directory);
  requirePrivateFile(path);
  return readFileSync(path, 'utf8');
}
