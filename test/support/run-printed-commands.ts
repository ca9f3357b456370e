import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RunningProcess } from './start-process.ts';

/**
 * Runs the commands that a process printed under `headings` in one shell, as a user who pastes them does, and then
 * `more`. Returns what they wrote to stdout. @throws when a command fails.
 */
export async function runPrintedCommands(running: RunningProcess, headings: string[], more = ''): Promise<string> {
  const sections = running.output().split(/\n\n(?=\S)/);
  const commands = headings.map((heading) => {
    const section = sections.find((text) => text.startsWith(heading));
    if (section === undefined) throw new Error(`nothing was printed under the heading ${JSON.stringify(heading)}`);
    return section
      .split('\n')
      .filter((line) => line.startsWith('  ') && !line.startsWith('  {'))
      .join('\n');
  });
  return runInShell([...commands, more].join('\n'));
}

/** Runs commands in a shell that ends with the first command that fails, and returns what they wrote to stdout. */
export async function runInShell(commands: string, environment: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, ...environment };
  return (await promisify(execFile)('sh', ['-ec', commands], { env })).stdout;
}
