import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { defineCommand } from './command-line/command.ts';
import { STARTING_TEXT } from './start-texts.ts';

/** Starts auth, api and mcp in one process. */
export const startCommand = defineCommand({
  name: 'start',
  summary: 'start auth, api and mcp in one process',
  details:
    'The services use the embedded database in data/, or PostgreSQL when AUTH_DATABASE_URL and API_DATABASE_URL are set. When they are up, the command prints what you can paste next. Ctrl-C stops it.',
  arguments: {},
  options: {},
  longRunning: true,
  async run(_input, { environment, write }) {
    await runUntilSignalled(async (resources, shutdown) => {
      const { readStartConfig } = await import('./start-config.ts');
      const config = readStartConfig(environment);
      write(STARTING_TEXT);
      // imported after this line, because loading the services takes a second
      const { startServices } = await import('./start-services.ts');
      await startServices(config, { resources, shutdown, write, isTerminal: process.stdout.isTTY });
    });
    return undefined;
  },
});
