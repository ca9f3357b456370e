import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../testing/temporary-directory.ts';
import { DataDirectoryInUseError, lockDataDirectory } from './data-directory.ts';

test('only one process can lock a data directory', () => {
  using directory = makeTemporaryDirectory();
  {
    using _lock = lockDataDirectory(directory.path);
    expect(() => lockDataDirectory(directory.path)).toThrow(DataDirectoryInUseError);
    expect(() => lockDataDirectory(directory.path)).toThrow(/Another process uses the data directory .*YATA_DATA_DIR/);
  }
  expect(() => lockDataDirectory(directory.path)[Symbol.dispose]()).not.toThrow();
});

test('a killed process does not keep the lock', async () => {
  using directory = makeTemporaryDirectory();
  const module = new URL('./data-directory.ts', import.meta.url).href;
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { lockDataDirectory } from '${module}';
     globalThis.lock = lockDataDirectory(${JSON.stringify(directory.path)});
     process.stdout.write('locked');
     setInterval(() => {}, 1000);`,
  ]);
  await once(holder.stdout, 'data');
  expect(() => lockDataDirectory(directory.path)).toThrow(DataDirectoryInUseError);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(() => lockDataDirectory(directory.path)[Symbol.dispose]()).not.toThrow();
});

test('a data directory that is not a writable folder is an error that says what is expected', () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'file');
  writeFileSync(file, '');
  const expected = `YATA_DATA_DIR: expected a folder that this process may write to, not ${file}`;
  expect(() => lockDataDirectory(file)).toThrow(expected);
  expect(() => lockDataDirectory(join(file, 'below'))).toThrow(`${expected}/below`);
});
