import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite, PGliteOptions } from '@electric-sql/pglite';
import { lockDataDirectory } from './data-directory.ts';

/** Where a service keeps its data. */
export type Database = EmbeddedDatabase | { readonly kind: 'postgresql'; readonly url: string };
export type EmbeddedDatabase = { readonly kind: 'embedded'; readonly pglite: PGlite };

/** The folder of the embedded database in the data directory. */
export function embeddedDatabaseFolder(dataDirectory: string): string {
  return join(dataDirectory, 'database');
}

/**
 * Opens the embedded database in `dataDirectory`, and creates it at the first start. The directory is locked until the
 * database is disposed. Committed data survives the death of the process, but not a crash of the machine, because PGlite
 * never calls fsync.
 * @throws {DataDirectoryInUseError}
 */
export async function openEmbeddedDatabase(dataDirectory: string): Promise<EmbeddedDatabase & AsyncDisposable> {
  using opening = new DisposableStack();
  opening.use(lockDataDirectory(dataDirectory));
  const dataDir = embeddedDatabaseFolder(dataDirectory);
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

/** Opens PGlite with the settings that MikroORM needs and that save memory. */
export async function openPGlite(options: PGliteOptions): Promise<PGlite> {
  // imported only here: a process on PostgreSQL does not need it
  const { PGlite } = await import('@electric-sql/pglite');
  return PGlite.create({
    ...options,
    parsers: TIME_AS_TEXT,
    // with its defaults PGlite takes 360 to 700 MB; with these settings about 210 MB, at the same speed
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB', '-c', 'max_connections=4'],
  });
}

/** MikroORM expects date, timestamp, timestamptz and interval as text, as PostgreSQL writes them. */
const TIME_AS_TEXT = Object.fromEntries([1082, 1114, 1184, 1186].map((oid) => [oid, (text: string) => text]));

/** Creates the database from prepared files: initdb would take seconds and 300 MB of memory that is not released. */
async function createCluster(dataDir: string): Promise<void> {
  // the folder gets its final name only when it is complete: a first start that is killed begins again
  const unfinished = `${dataDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const pglite = await openPGlite({ dataDir: unfinished, loadDataDir: await emptyCluster() });
  await pglite.close();
  renameSync(unfinished, dataDir);
}

/** The files of an empty database as a tar archive. */
export async function emptyCluster(): Promise<Blob> {
  const { dataDir } = await import('@electric-sql/pglite-prepopulatedfs');
  return dataDir();
}
