import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { requirePrivateDirectory, requirePrivateFile } from '../shared/configuration/private-directory.ts';
import { replacePrivateFile } from '../shared/configuration/private-file.ts';
import { LOGIN_TEXTS } from './login-texts.ts';

/** What `login` keeps: for which issuer and resource the refresh token is. */
const Login = z.object({ issuer: z.string(), resource: z.string(), refresh_token: z.string() });
export type Login = z.infer<typeof Login>;

/**
 * Finds what `login` keeps in the data directory.
 * @throws {InsecureFileError} when other users could have written the file.
 * @throws when the file is not valid.
 */
export function findLogin(directory: string): Login | undefined {
  const path = pathIn(directory);
  if (!existsSync(path)) return undefined;
  requirePrivateDirectory(directory);
  requirePrivateFile(path);
  try {
    return Login.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // without the cause: the message of JSON.parse quotes the file, which may hold a refresh token
    throw new Error(LOGIN_TEXTS.invalidFile(path));
  }
}

/** Stores a login in place of the one in the data directory. */
export function storeLogin(directory: string, login: Login): void {
  requirePrivateDirectory(directory);
  replacePrivateFile(pathIn(directory), `${JSON.stringify(login)}\n`);
}

/**
 * Stores the next refresh token of a login, unless the file has changed since the login was read: then it holds a newer login,
 * or a newer refresh token, or was deleted by `logout`.
 */
export function renewLogin(directory: string, read: Login, refreshToken: string): void {
  if (findLogin(directory)?.refresh_token === read.refresh_token)
    storeLogin(directory, { ...read, refresh_token: refreshToken });
}

export function deleteLogin(directory: string): void {
  rmSync(pathIn(directory), { force: true });
}

function pathIn(directory: string): string {
  return join(directory, 'login.json');
}
