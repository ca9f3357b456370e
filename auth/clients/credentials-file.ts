import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { replacePrivateFile, writePrivateFile } from '../../shared/configuration/private-file.ts';
import { createClientSecret } from './client-secret.ts';

/** A client's credentials under the names that programs read from their environment. */
export type Credentials = { readonly OAUTH_CLIENT_ID: string; readonly OAUTH_CLIENT_SECRET: string };

/** Where the credentials of one of the first clients are kept. */
export function credentialsPath(dataDirectory: string, clientId: string): string {
  return join(dataDirectory, `${clientId}-client.env`);
}

/**
 * Reads the credentials of one of the first clients, and makes them, with the file (mode 0600), when it is not there.
 * @throws when the file holds something else.
 */
export function findOrCreateCredentials(dataDirectory: string, clientId: string): Credentials {
  const content = () => `OAUTH_CLIENT_ID=${clientId}\nOAUTH_CLIENT_SECRET=${createClientSecret()}\n`;
  writePrivateFile(credentialsPath(dataDirectory, clientId), content);
  return readCredentials(dataDirectory, clientId);
}

/**
 * Writes a client's new secret where its old one is kept, so that what reads the file goes on working.
 * @returns the path, or undefined when no file here has credentials of this client.
 */
export function replaceCredentials(dataDirectory: string, credentials: Credentials): string | undefined {
  const { OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: secret } = credentials;
  const path = credentialsPath(dataDirectory, clientId);
  // an id may be more than a file's name
  if (!/^[\w-]+$/.test(clientId) || !existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  if (parseEnv(text).OAUTH_CLIENT_ID !== clientId) return undefined;
  // what else is in the file is somebody's
  replacePrivateFile(path, text.replace(/^OAUTH_CLIENT_SECRET=.*$/m, `OAUTH_CLIENT_SECRET=${secret}`));
  return path;
}

/** Reads the credentials of one of the first clients. @throws when there is no such file, or it holds something else. */
export function readCredentials(dataDirectory: string, clientId: string): Credentials {
  const path = credentialsPath(dataDirectory, clientId);
  const parsed = z
    .object({ OAUTH_CLIENT_ID: z.literal(clientId), OAUTH_CLIENT_SECRET: z.string().min(32) })
    .safeParse(existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : undefined);
  if (!parsed.success) {
    throw new Error(
      `${path}: expected OAUTH_CLIENT_ID=${clientId} and OAUTH_CLIENT_SECRET= with 32 characters or more`,
    );
  }
  return parsed.data;
}
