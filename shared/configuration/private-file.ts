import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a file that only its owner may read (mode 0600), atomically. A file that exists is left as it is.
 * @returns whether the file was created.
 */
export function writePrivateFile(path: string, content: () => string): boolean {
  if (existsSync(path)) return false;
  const unfinished = writeUnfinished(path, content());
  try {
    // a link instead of a rename: if another process created the file first, its file stays
    linkSync(unfinished, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(unfinished);
  }
}

/** Replaces such a file atomically: a program that reads it gets the whole old or the whole new content. */
export function replacePrivateFile(path: string, content: string): void {
  renameSync(writeUnfinished(path, content), path);
}

function writeUnfinished(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // processes in two containers that share a volume can have the same id
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(unfinished, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return unfinished;
}
