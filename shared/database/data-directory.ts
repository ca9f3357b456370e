import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InsecureFileError, requirePrivateDirectory } from '../configuration/private-directory.ts';

/** Another process uses the data directory. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';

  constructor(path: string) {
    super(
      `Another process uses the data directory ${path}. Only one process can use an embedded database. ` +
        'Stop the other process, or set YATA_DATA_DIR to another folder, or use PostgreSQL with AUTH_DATABASE_URL and API_DATABASE_URL.',
    );
  }
}

/**
 * Locks the data directory for this process until the lock is disposed. PGlite itself does not lock its folder, and two
 * processes would lose each other's writes.
 * @throws {DataDirectoryInUseError} at once, when another process has the lock.
 */
export function lockDataDirectory(path: string): Disposable {
  const lock = openLock(path);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      throw new DataDirectoryInUseError(resolve(path));
    throw error;
  }
  return { [Symbol.dispose]: () => lock.close() };
}

// SQLite's exclusive lock is a lock of the operating system on an open file, so it ends with the process, even after kill -9
function openLock(path: string): DatabaseSync {
  try {
    requirePrivateDirectory(path);
    return new DatabaseSync(join(path, 'lock'), { timeout: 0 });
  } catch (cause) {
    if (cause instanceof InsecureFileError) throw cause;
    throw new Error(`YATA_DATA_DIR: expected a folder that this process may write to, not ${resolve(path)}`, { cause });
  }
}

const SQLITE_BUSY = 5;
