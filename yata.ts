import { readFileSync } from 'node:fs';
import { ignoreClosedOutput } from './cli/command-line/ignore-closed-output.ts';
import { runCommandLine } from './cli/command-line/run-command-line.ts';
import { COMMANDS } from './cli/commands.ts';

ignoreClosedOutput(process.stdout, process.stderr);

const writeError = (text: string) => process.stderr.write(`${text}\n`);

const exitCode = await runCommandLine(process.argv.slice(2), {
  commands: COMMANDS,
  context: {
    environment: process.env,
    write: (text) => process.stdout.write(`${text}\n`),
    readStdin: () => readFileSync(0, 'utf8'),
    connectAdmin: async () => (await import('./cli/connect-admin.ts')).connectAdmin(process.env, writeError),
  },
  writeError,
});
if (exitCode !== undefined) process.exitCode = exitCode;
