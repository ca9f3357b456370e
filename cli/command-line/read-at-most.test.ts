import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { readAtMost } from './read-at-most.ts';

test('a pipe that does not block is read when its program has written', () => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'pipe');
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    spawn('sh', ['-c', 'sleep 0.2; printf todo > "$0"', path]);
    expect(readAtMost(descriptor, 3).toString()).toBe('todo');
  } finally {
    closeSync(descriptor);
  }
});
