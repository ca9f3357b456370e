import { describeError } from '../../shared/run-until-signalled.ts';
import { escapeInvisible, toVisibleJson } from '../../shared/visible-text.ts';
import { escapeLines } from '../sanitize.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { ParseError, parseCommandLine } from './parse-command-line.ts';

/**
 * Runs the command that `words`, the words after `yata`, ask for. Results go to stdout; usage errors, with the help of the
 * command, and failures go to stderr. Everything that is written is safe for a terminal.
 * @returns the exit code: 2 for a usage error, 1 for a failure; undefined when the command set it.
 */
export async function runCommandLine(
  words: readonly string[],
  {
    commands,
    context: given,
    writeError,
  }: { commands: readonly Command[]; context: CommandContext; writeError: (text: string) => void },
): Promise<number | undefined> {
  let help = '';
  const { showProgress } = given;
  const context: CommandContext = {
    ...given,
    write: (text) => given.write(escapeLines(text)),
    notify: (text) => given.notify(escapeLines(text)),
    showProgress: showProgress && ((text) => showProgress(escapeInvisible(text))),
  };
  try {
    const invocation = parseCommandLine(words, commands);
    if (invocation.kind === 'help') {
      context.write(invocation.text);
      return 0;
    }
    ({ help } = invocation);
    const result = await invocation.command.run(invocation.input, context);
    if (result === undefined) return undefined;
    const write = result.output === 'stderr' ? context.notify : context.write;
    write(invocation.json ? toVisibleJson(result.json) : result.text);
    return result.exitCode ?? 0;
  } catch (error) {
    if (!(error instanceof UsageError)) {
      writeError(escapeLines(describeError(error)));
      return 1;
    }
    writeError(escapeLines(`${error.message}\n\n${error instanceof ParseError ? error.help : help}`));
    return 2;
  }
}
