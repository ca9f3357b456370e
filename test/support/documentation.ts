import { globSync, readFileSync } from 'node:fs';

/** Lists the pages of the documentation, as paths from the root. */
export function listPages(): string[] {
  return globSync(['*.md', '*/*.md', 'docs/**/*.md'], { exclude: ['node_modules', 'data'] }).sort();
}

/** Returns the shell commands of a page that a test runs: those in blocks that begin with "```sh runnable". */
export function readRunnableCommands(page: string): string {
  return [...readFileSync(page, 'utf8').matchAll(/^```sh runnable\n(.*?)^```$/gms)].map(([, block]) => block).join('');
}
