import { handleOutputErrors } from './cli/command-line/handle-output-errors.ts';
import { readAtMost } from './cli/command-line/read-at-most.ts';
import { runCommandLine } from './cli/command-line/run-command-line.ts';
import { COMMANDS } from './cli/commands.ts';
import { escapeLines } from './cli/sanitize.ts';

handleOutputErrors(process);

/** Removes what is on the last line of a terminal, which may be the progress of a command. */
const CLEAR_LINE = process.stderr.isTTY ? '\r\u001b[K' : '';

const writeError = (text: string) => process.stderr.write(`${CLEAR_LINE}${text}\n`);

function writeData(text: string): Promise<boolean> {
  const written = process.stdout.isTTY ? escapeLines(text.replaceAll('\r\n', '\n')) : text;
  return new Promise((resolve) => process.stdout.write(written, (error) => resolve(!error)));
}

const exitCode = await runCommandLine(process.argv.slice(2), {
  commands: COMMANDS,
  context: {
    environment: process.env,
    write: (text) => process.stdout.write(`${text}\n`),
    readStdin: () => readAtMost(0, Infinity).toString('utf8'),
    readStdinBytes: (maxBytes) => readAtMost(0, maxBytes),
    writeData,
    notify: writeError,
    ...(process.stderr.isTTY && { showProgress: (text) => process.stderr.write(`${CLEAR_LINE}${text}`) }),
    connectAdmin: async () => (await import('./cli/connect-admin.ts')).connectAdmin(process.env, writeError),
  },
  writeError,
});
// 0 would hide that the output could not be written
if (exitCode !== undefined && exitCode !== 0) process.exitCode = exitCode;
