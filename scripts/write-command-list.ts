/**
 * Writes the list of commands in docs/command-line.md from the table of commands:
 *
 *   npm run docs:commands
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { COMMANDS } from '../cli/commands.ts';
import { writeCommandList } from './command-list.ts';

const path = new URL('../docs/command-line.md', import.meta.url);
writeFileSync(path, writeCommandList(readFileSync(path, 'utf8'), COMMANDS));
