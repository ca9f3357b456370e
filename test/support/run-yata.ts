import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { processEnvironment } from './process-environment.ts';

/** What a command wrote, and its exit code. */
export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `node yata.ts ...args` to its end, as a user does, with `PATH` and `environment` alone as its environment. */
export async function runYata(
  args: readonly string[],
  { environment = {}, stdin = '' }: { environment?: Record<string, string>; stdin?: string } = {},
): Promise<CommandResult> {
  const execution = promisify(execFile)(process.execPath, ['yata.ts', ...args], {
    env: processEnvironment(environment),
  });
  execution.child.stdin?.end(stdin);
  return execution.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}
