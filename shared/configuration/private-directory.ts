import { mkdirSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Creates the directory of secrets and databases (mode 0700), or checks the existing one. In a directory that other users
 * may read, they could copy the secrets; in one that they may write, they could plant credentials.
 * @throws {InsecureFileError} when other users may read or write it, or it belongs to another user; the message has the command that
 * mends it.
 */
export function requirePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const problem = findAccessProblem(resolve(path), statSync(path), 0o077);
  if (problem !== undefined) throw new InsecureFileError(problem);
}

/**
 * Checks a file of secrets before it is read. @throws {InsecureFileError} when another user owns it, or may have written it; the message
 * has the command that mends it.
 */
export function requirePrivateFile(path: string): void {
  // a file that others may only read is accepted: the directory around it decides who can
  const problem = findAccessProblem(resolve(path), statSync(path), 0o022);
  if (problem !== undefined) throw new InsecureFileError(problem);
}

/** Other users have access to a directory or file that only this user may access. The message has the command to run. */
export class InsecureFileError extends Error {
  override readonly name = 'InsecureFileError';
}

function findAccessProblem(path: string, stats: Stats, forbidden: number): string | undefined {
  const user = process.getuid?.();
  // Windows has neither users nor modes in this sense
  if (user === undefined) return undefined;
  const { uid, mode } = stats;
  const kind = stats.isDirectory() ? 'directory' : 'file';
  const quoted = `'${path.replaceAll("'", `'\\''`)}'`;
  if (uid !== user)
    return `The ${kind} ${path} belongs to another user (uid ${uid}). Run this command as that user, or run: chown -R ${user} ${quoted}`;
  if ((mode & forbidden) !== 0)
    return `Other users have access to the ${kind} ${path}. Run: chmod ${kind === 'directory' ? '700' : '600'} ${quoted}`;
  return undefined;
}
