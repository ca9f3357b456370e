import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The data directory is another process's. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';

  constructor(path: string) {
    super(
      `Another process uses the data directory ${path}. Two on one embedded database would lose each other's writes: ` +
        'stop the other one, or give this one its own with YATA_DATA_DIR, or a PostgreSQL server with AUTH_DATABASE_URL and API_DATABASE_URL.',
    );
  }
}

/**
 * Makes the data directory this process's own until the lock is disposed. PGlite itself does not lock its folder.
 * @throws {DataDirectoryInUseError} at once, when another process has it.
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

// SQLite's exclusive lock is the system's lock on an open file: it ends with its process, however that ends
function openLock(path: string): DatabaseSync {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(path, 'lock'), { timeout: 0 });
  } catch (cause) {
    throw new Error(`YATA_DATA_DIR: expected a folder that this process may write to, not ${resolve(path)}`, { cause });
  }
}

const SQLITE_BUSY = 5;
