import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file that only its owner may read (mode 0600), whole or not at all, unless it is there already.
 * @returns whether it was written.
 */
export function writePrivateFile(path: string, content: () => string): boolean {
  if (existsSync(path)) return false;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${process.pid}`;
  const file = openSync(unfinished, 'w', 0o600);
  try {
    writeSync(file, content());
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
