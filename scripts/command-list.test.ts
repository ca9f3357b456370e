import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../cli/commands.ts';
import { writeCommandList } from './command-list.ts';

test('docs/command-line.md lists the commands as they are (run npm run docs:commands)', () => {
  const document = readFileSync(new URL('../docs/command-line.md', import.meta.url), 'utf8');
  expect(document).toBe(writeCommandList(document, COMMANDS));
});

test('a document without the markers is an error', () => {
  expect(() => writeCommandList('# Command line\n', COMMANDS)).toThrow('expected the markers');
});
