import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { UsageError } from '../command-line/command.ts';
import { writeNewFile } from './write-new-file.ts';

vi.mock('node:fs/promises', { spy: true });

test('a file that another program creates meanwhile is not overwritten', async () => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'todos');
  const written = writeNewFile(path, async (write) => {
    await write('yata');
    writeFileSync(path, 'mine');
  });
  await expect(written).rejects.toThrow(UsageError);
  await expect(written).rejects.toThrow('--output: expected the name of a new file, because this file exists');
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(readdirSync(directory.path)).toEqual(['todos']);
});

test('a file that cannot be created is a usage error with its cause', async () => {
  using directory = makeTemporaryDirectory();
  const create = (...path: string[]) => writeNewFile(join(directory.path, ...path), async () => undefined);
  await expect(create('none', 'todos')).rejects.toThrow('you can create files: no such file or directory (ENOENT)');
  writeFileSync(join(directory.path, 'file'), '');
  await expect(create('file', 'todos')).rejects.toThrow('you can create files: not a directory (ENOTDIR)');
  await expect(create('x'.repeat(300))).rejects.toThrow('name too long (ENAMETOOLONG)');
});

test('no listener for signals is left', async () => {
  using directory = makeTemporaryDirectory();
  const before = process.listenerCount('SIGINT');
  await writeNewFile(join(directory.path, 'todos'), async () => {
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
  });
  expect(process.listenerCount('SIGINT')).toBe(before);
});

test.each(['EPERM', 'ENOTSUP'])(
  'a file system without hard links (%s) gets the file, and keeps one that exists',
  async (code) => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'todos');
    const create = () => {
      vi.mocked(link).mockRejectedValueOnce(Object.assign(new Error(code), { code }));
      return writeNewFile(path, (write) => write('yata'));
    };
    await create();
    expect(readFileSync(path, 'utf8')).toBe('yata');
    writeFileSync(path, 'mine');
    await expect(create()).rejects.toThrow('because this file exists');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(readdirSync(directory.path)).toEqual(['todos']);
  },
);
