import { expect, test } from 'vitest';
import { COMMANDS } from '../commands.ts';
import { runInProcess as run } from '../testing/run-in-process.ts';
import { SECRET, USAGE_ERRORS } from '../testing/usage-errors.ts';
import { defineCommand, UsageError } from './command.ts';
import { usage } from './usage.ts';

/** A command that has one of everything, and prints what it got. */
const echoCommand = defineCommand({
  name: 'notes add',
  summary: 'add a note',
  arguments: {
    TITLE: { description: 'the title' },
    TAG: { optional: true, repeated: true, description: 'the tags' },
  },
  options: {
    author: { value: 'NAME', required: true, description: 'the author' },
    color: { value: 'COLOR', description: 'a color' },
    link: { value: 'URL', repeated: true, description: 'a link' },
    pinned: { description: 'keep the note on top' },
  },
  run: async (input) => ({ json: input, text: `added ${input.arguments.TITLE}` }),
});

test.each(COMMANDS.map((command) => [command.name, command] as const))(
  '`%s --help` explains the command',
  async (name, command) => {
    for (const words of [
      [...name.split(' '), '--help'],
      [...name.split(' '), '-h'],
    ]) {
      const { exitCode, stdout, stderr } = await run(words);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: yata /);
      expect(stdout.split('\n')[0]).toBe(`Usage: yata ${usage(command)}`);
      for (const option of Object.keys(command.options)) expect(stdout).toMatch(new RegExp(`^  --${option} `, 'm'));
      for (const argument of Object.keys(command.arguments)) expect(stdout).toMatch(new RegExp(`^  ${argument} `, 'm'));
      expect(stdout.includes('--json')).toBe(!command.longRunning);
    }
  },
);

test('summaries and descriptions begin in lower case and end without a period, as the help prints them', () => {
  for (const { name, summary, options, arguments: expected } of COMMANDS)
    for (const text of [
      summary,
      ...[...Object.values(options), ...Object.values(expected)].map(({ description }) => description),
    ])
      expect(text, name).toMatch(/^[a-z].*[^.]$|^todos:/);
});

test('a command that is added to the table appears in the help', async () => {
  const commands = [...COMMANDS, echoCommand];
  expect((await run(['--help'], commands)).stdout).toMatch(/^ {2}notes add TITLE \[TAG\.\.\.\] +add a note$/m);
  expect((await run(['notes', '--help'], commands)).stdout).toContain('notes add TITLE [TAG...]');
  expect((await run(['notes', 'add', '--help'], commands)).stdout).toContain(
    'Usage: yata notes add TITLE [TAG...] --author NAME [options]',
  );
});

test('a command gets its arguments and options', async () => {
  const words = ['notes', 'add', 'Rent', '--author', 'a', 'home', '--link=b', '--pinned', '--link', 'c', 'money'];
  const { exitCode, stdout } = await run([...words, '--json'], [echoCommand]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    arguments: { TITLE: 'Rent', TAG: ['home', 'money'] },
    options: { author: 'a', link: ['b', 'c'], pinned: true },
  });
  expect((await run(words, [echoCommand])).stdout).toBe('added Rent\n');
});

test('--json may stand before, inside and after a command', async () => {
  for (const words of [
    ['--json', 'notes', 'add', 'Rent', '--author', 'a'],
    ['notes', '--json', 'add', 'Rent', '--author', 'a'],
    ['notes', 'add', '--json', 'Rent', '--author', 'a'],
    ['notes', 'add', 'Rent', '--author', 'a', '--json'],
  ])
    expect(JSON.parse((await run(words, [echoCommand])).stdout)).toMatchObject({ arguments: { TITLE: 'Rent' } });
});

test('a word after -- is an argument, and a dash alone too', async () => {
  const { stdout } = await run(['notes', 'add', '--author', 'a', '--json', '-', '--', '--pinned', '-x'], [echoCommand]);
  expect(JSON.parse(stdout)).toMatchObject({
    arguments: { TITLE: '-', TAG: ['--pinned', '-x'] },
    options: { pinned: false },
  });
});

test('a value that begins with a dash is only taken after an equals sign', async () => {
  const { exitCode, stderr } = await run(['notes', 'add', 'Rent', '--author', '--pinned'], [echoCommand]);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^--author needs a value\./),
  });
  const { stdout } = await run(['notes', 'add', 'Rent', '--author=--pinned', '--json'], [echoCommand]);
  expect(JSON.parse(stdout)).toMatchObject({ options: { author: '--pinned', pinned: false } });
});

test.each(USAGE_ERRORS)('%j is a usage error and repeats no secret', async (words, message) => {
  const { exitCode, stdout, stderr } = await run(words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr.split('\n').slice(0, 3)).toEqual([message, '', expect.stringMatching(/^Usage: yata /)]);
  expect(stderr).not.toContain(SECRET);
});

test('a usage error that a command finds itself is printed with its usage', async () => {
  const refusing = defineCommand({
    name: 'refuse',
    summary: 'refuse',
    arguments: {},
    options: {},
    async run() {
      throw new UsageError('No');
    },
  });
  expect(await run(['refuse'], [refusing])).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'No\n\nUsage: yata refuse [options]\nRun `yata refuse --help` for its arguments and options.\n',
  });
});

test('a failure is exit code 1 with its message on stderr', async () => {
  expect(await run(['clients', 'list', '--json'])).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'the command connects to auth\n',
  });
});
