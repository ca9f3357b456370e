import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite, PGliteOptions } from '@electric-sql/pglite';
import { lockDataDirectory } from './data-directory.ts';

/** Where a service keeps its data. */
export type Database = EmbeddedDatabase | { readonly kind: 'postgresql'; readonly url: string };
export type EmbeddedDatabase = { readonly kind: 'embedded'; readonly pglite: PGlite };

/**
 * Opens the embedded database in `dataDirectory`, and makes it the first time. The directory is this process's own until
 * the database is disposed. What is committed survives the death of the process, not of the machine: PGlite never calls
 * fsync.
 * @throws {DataDirectoryInUseError}
 */
export async function openEmbeddedDatabase(dataDirectory: string): Promise<EmbeddedDatabase & AsyncDisposable> {
  using opening = new DisposableStack();
  opening.use(lockDataDirectory(dataDirectory));
  const dataDir = join(dataDirectory, 'database');
  if (!existsSync(dataDir)) await createCluster(dataDir);
  const pglite = await openPGlite({ dataDir });
  const lock = opening.move();
  return {
    kind: 'embedded',
    pglite,
    async [Symbol.asyncDispose]() {
      await pglite.close();
      lock.dispose();
    },
  };
}

/** Opens PGlite the way that MikroORM and the memory of a small machine ask for. */
export async function openPGlite(options: PGliteOptions): Promise<PGlite> {
  // imported here, for a process on PostgreSQL has no use for it
  const { PGlite } = await import('@electric-sql/pglite');
  return PGlite.create({
    ...options,
    parsers: TIME_AS_TEXT,
    // as it comes, PGlite takes 360 to 700 MB; with these about 210 MB, at the same speed
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB', '-c', 'max_connections=4'],
  });
}

/** date, timestamp, timestamptz and interval reach MikroORM as PostgreSQL writes them. */
const TIME_AS_TEXT = Object.fromEntries([1082, 1114, 1184, 1186].map((oid) => [oid, (text: string) => text]));

/** Makes the files of an empty database from ready-made ones: initdb would take seconds, and 300 MB that never come back. */
async function createCluster(dataDir: string): Promise<void> {
  // a folder that a killed process left half made never gets the name that is opened
  const unfinished = `${dataDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const pglite = await openPGlite({ dataDir: unfinished, loadDataDir: await emptyCluster() });
  await pglite.close();
  renameSync(unfinished, dataDir);
}

/** The files of an empty database, as a tar archive. */
export async function emptyCluster(): Promise<Blob> {
  const { dataDir } = await import('@electric-sql/pglite-prepopulatedfs');
  return dataDir();
}
