import { auditCommand } from './audit.ts';
import { clientsCommands } from './clients.ts';
import type { Command } from './command-line/command.ts';
import { connectionsCommands } from './connections.ts';
import { doctorCommand } from './doctor/command.ts';
import { keysCommands } from './keys.ts';
import { loginCommand, logoutCommand } from './login.ts';
import { migrateCommand } from './migrate.ts';
import { moveCommand } from './move/command.ts';
import { restoredCommand } from './restored/command.ts';
import { startCommand } from './start.ts';
import { todosCommands } from './todos/commands.ts';
import { tokenCommand } from './token.ts';
import { tokensCommands } from './tokens.ts';
import { usersCommands } from './users.ts';

/**
 * Every command of the command line, in the order of the help. These modules load nothing heavy: what a command runs
 * on is imported when it runs, so that `clients list` does not load the services.
 */
export const COMMANDS: readonly Command[] = [
  startCommand,
  migrateCommand,
  restoredCommand,
  loginCommand,
  logoutCommand,
  doctorCommand,
  moveCommand,
  ...todosCommands,
  ...usersCommands,
  ...connectionsCommands,
  ...clientsCommands,
  ...tokensCommands,
  ...keysCommands,
  tokenCommand,
  auditCommand,
];
