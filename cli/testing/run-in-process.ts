import type { Command, CommandContext } from '../command-line/command.ts';
import { runCommandLine } from '../command-line/run-command-line.ts';
import { COMMANDS } from '../commands.ts';

/** Runs a command line in this process, without an environment, a stdin and a connection to auth unless given. */
export async function runInProcess(
  words: readonly string[],
  commands: readonly Command[] = COMMANDS,
  given: Partial<CommandContext> = {},
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runCommandLine(words, {
    commands,
    context: {
      environment: {},
      write: (text) => {
        stdout += `${text}\n`;
      },
      readStdin: () => '',
      readStdinBytes: () => new Uint8Array(),
      writeData: async (text) => {
        stdout += text;
        return true;
      },
      notify: (text) => {
        stderr += `${text}\n`;
      },
      connectAdmin: async () => {
        throw new Error('the command connects to auth');
      },
      ...given,
    },
    writeError: (text) => {
      stderr += `${text}\n`;
    },
  });
  return { exitCode, stdout, stderr };
}
