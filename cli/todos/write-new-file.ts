import { type FileHandle, link, open, unlink } from 'node:fs/promises';
import { UsageError } from '../command-line/command.ts';

/**
 * Creates a file that only its owner may read, and lets `produce` write its content. A file that exists stays as it is, and a
 * file that is not complete never has the name.
 * @throws {UsageError} when there is a file with this name, or there can be none.
 */
export async function writeNewFile<T>(
  path: string,
  produce: (write: (text: string) => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const unfinished = `${path}.${process.pid}`;
  const file = await openNew(unfinished);
  try {
    const result = await produce(async (text) => {
      await file.appendFile(text);
      return true;
    });
    await file.sync();
    // a link instead of a rename, which would replace a file that exists
    await link(unfinished, path).catch(rejectExisting);
    return result;
  } finally {
    await file.close();
    await unlink(unfinished);
  }
}

function openNew(path: string): Promise<FileHandle> {
  return open(path, 'wx', 0o600).catch(() => {
    throw new UsageError(NO_FILE);
  });
}

function rejectExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  throw new UsageError(FILE_EXISTS);
}

export const NO_FILE = '--output: expected a file in a folder in which you can create files';
export const FILE_EXISTS = '--output: expected the name of a new file, because this file exists';
