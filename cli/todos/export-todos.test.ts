import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { exportedTodo } from '../../shared/todo-formats/testing/exported-todo.ts';
import type { ExportedTodo } from '../../shared/todo-formats/written-todo.ts';
import type { CommandContext } from '../command-line/command.ts';
import { COMMANDS } from '../commands.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { startTestApi } from './testing/start-test-api.ts';

function line(fields: Partial<ExportedTodo> & { position?: number }): string {
  return `${JSON.stringify({ position: 1, version: 1, ...exportedTodo(fields) })}\n`;
}

function exportFrom(
  { environment }: { environment: Record<string, string> },
  words: readonly string[] = [],
  given: Partial<CommandContext> = {},
) {
  return runInProcess(['todos', 'export', ...words], COMMANDS, { environment, ...given });
}

test('JSON Lines go to stdout as the API sends them, and the result goes to stderr', async () => {
  const body = `${line({ title: 'A \u001b[2J' })}${line({ title: 'B' })}`;
  await using server = await startTestApi([], { body });
  expect(await exportFrom(server)).toEqual({
    exitCode: 0,
    stdout: body,
    stderr: 'Exported 2 todos of demo. Format: jsonl.\n',
  });
});

test('other formats are in the order of the list, and the result names what they cannot hold', async () => {
  const last = line({ title: 'last', position: 2, description: 'Two coats', tags: ['two words'] });
  await using server = await startTestApi([], { body: `${last}${line({ title: 'first', description: 'One' })}` });
  const words = ['--format', 'todotxt', '--time-zone', 'UTC'];
  const { stdout, stderr } = await exportFrom(server, words);
  expect(stdout).toBe('2026-11-01 first\n2026-11-01 last\n');
  expect(stderr).toBe(
    'Exported 2 todos of demo. Format: todotxt. Time zone: UTC.\nNot kept, with the number of todos that have it:\n  2  description\n  1  tag\n',
  );
  const asJson = await exportFrom(server, [...words, '--json']);
  expect(asJson.stdout).toBe(stdout);
  expect(JSON.parse(asJson.stderr)).toEqual({
    format: 'todotxt',
    time_zone: 'UTC',
    subject: 'demo',
    total: 2,
    not_kept: [
      { what: 'description', count: 2 },
      { what: 'tag', count: 1 },
    ],
  });
});

test.each([
  ['jsonl', ''],
  ['todotxt', ''],
  ['markdown', ''],
  ['icalendar', 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//yata//yata//EN\r\nEND:VCALENDAR\r\n'],
])('an export of no todos as %s is valid', async (format, content) => {
  await using server = await startTestApi([]);
  expect(await exportFrom(server, ['--format', format])).toMatchObject({ exitCode: 0, stdout: content });
});

test('--output creates a file that only its owner can read', async () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'todos.jsonl');
  await using server = await startTestApi([], { body: line({}) });
  const { exitCode, stdout, stderr } = await exportFrom(server, ['--output', file, '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ format: 'jsonl', total: 1, file });
  expect(readFileSync(file, 'utf8')).toBe(line({}));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory.path)).toEqual(['todos.jsonl']);
});

test('a file that exists is not overwritten, and one that cannot be created is a usage error', async () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'todos.jsonl');
  writeFileSync(file, 'mine');
  await using server = await startTestApi([], { body: line({}) });
  const existing = await exportFrom(server, ['--output', file]);
  expect(existing.exitCode).toBe(2);
  expect(existing.stderr).toContain('--output: expected the name of a new file, because this file exists');
  expect(readFileSync(file, 'utf8')).toBe('mine');
  const nowhere = await exportFrom(server, ['--output', join(directory.path, 'none', 'todos.jsonl')]);
  expect(nowhere.exitCode).toBe(2);
  expect(nowhere.stderr).toContain('you can create files: no such file or directory (ENOENT)');
});

test.each([['jsonl'], ['markdown']])(
  'an export as %s that breaks off is a failure, and leaves no file',
  async (format) => {
    using directory = makeTemporaryDirectory();
    for (const body of [line({}), line({}).slice(0, 20)]) {
      await using server = await startTestApi([], { body, end: 'breaks off' });
      const words = ['--format', format, '--output', join(directory.path, 'todos')];
      const { exitCode, stdout, stderr } = await exportFrom(server, words);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toContain('The todo API ended the export before its last todo.');
      expect(readdirSync(directory.path)).toEqual([]);
    }
  },
);

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends an export, and leaves no file', async (signal) => {
  using directory = makeTemporaryDirectory();
  await using server = await startTestApi([], { body: line({}), end: 'never' });
  const words = ['yata.ts', 'todos', 'export', '--output', join(directory.path, 'todos')];
  const child = spawn(process.execPath, words, { env: { PATH: process.env.PATH ?? '', ...server.environment } });
  const ended = once(child, 'close');
  await vi.waitFor(() => expect(readdirSync(directory.path)).toHaveLength(1), { timeout: 20_000 });
  child.kill(signal);
  expect(await ended).toEqual([null, signal]);
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a body without its last line break is a failure', async () => {
  await using server = await startTestApi([], { body: line({}).trim() });
  expect(await exportFrom(server)).toMatchObject({ exitCode: 1, stdout: '' });
});

test('the command ends without a result when the reader of stdout has ended', async () => {
  await using server = await startTestApi([], { body: line({}) });
  const writeData = async () => false;
  for (const format of ['jsonl', 'icalendar'])
    expect(await exportFrom(server, ['--format', format], { writeData })).toEqual({
      exitCode: undefined,
      stdout: '',
      stderr: '',
    });
});
