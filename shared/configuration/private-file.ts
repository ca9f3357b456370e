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
 * Writes a file that only its owner may read (mode 0600), whole or not at all, unless it is there already.
 * @returns whether it was written.
 */
export function writePrivateFile(path: string, content: () => string): boolean {
  if (existsSync(path)) return false;
  const unfinished = writeUnfinished(path, content());
  try {
    // a link, not a rename: the file of another process that was faster stays
    linkSync(unfinished, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(unfinished);
  }
}

/** Writes such a file in the place of the one that is there: whoever reads it finds the one or the other, whole. */
export function replacePrivateFile(path: string, content: string): void {
  renameSync(writeUnfinished(path, content), path);
}

function writeUnfinished(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${process.pid}`;
  const file = openSync(unfinished, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return unfinished;
}
