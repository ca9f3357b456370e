import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defineCommand } from '../cli/command-line/command.ts';
import { signature } from '../cli/command-line/usage.ts';
import { COMMANDS } from '../cli/commands.ts';
import { writeCommandList } from './command-list.ts';

test('docs/command-line.md lists the commands as they are (run npm run docs:commands)', () => {
  const document = readFileSync(new URL('../docs/command-line.md', import.meta.url), 'utf8');
  expect(document).toBe(writeCommandList(document, COMMANDS));
});

test('a command that is added to the table appears in the list', () => {
  const added = defineCommand({
    name: 'notes add',
    summary: 'add a note',
    arguments: {
      TITLE: { description: 'the title' },
      TAG: { optional: true, repeated: true, description: 'the tags' },
    },
    options: {},
    run: async () => ({ json: null, text: '' }),
  });
  const list = writeCommandList('<!-- commands: written by npm run docs:commands --><!-- end of commands -->', [
    ...COMMANDS,
    added,
  ]);
  expect(list).toContain('| `notes add TITLE [TAG...]` | add a note |');
  expect(list).toContain('### notes add\n');
  for (const command of COMMANDS) expect(list).toContain(`| \`${signature(command)}\` |`);
});

test('a document without the markers is an error', () => {
  expect(() => writeCommandList('# Command line\n', COMMANDS)).toThrow('expected the markers');
});
