import { defineCommand } from '../command-line/command.ts';

/** Moves the embedded database to PostgreSQL. */
export const moveCommand = defineCommand({
  name: 'move',
  summary: 'move everything from the embedded database to PostgreSQL',
  details:
    'Stop yata first. The command copies the embedded database in YATA_DATA_DIR into an empty PostgreSQL database, in one transaction: clients, keys, accounts, connections, revocations, todos, changes and all the rest. Before it commits, it compares the number and a checksum of the rows of each table. Access tokens, refresh tokens and connections go on working. The embedded database stays as it is. Without --to, auth moves to AUTH_DATABASE_URL and api to API_DATABASE_URL, which can be two databases. These variables, or --to -, keep a password out of the arguments, which other users of the machine can read.',
  arguments: {},
  options: {
    to: {
      value: 'URL',
      description: 'the postgresql:// URL of one database for everything; use - to read it from stdin',
    },
  },
  examples: ['move --to postgresql://yata@localhost/yata', 'move --to - < url.txt'],
  async run({ options: { to } }, context) {
    const { move } = await import('./move.ts');
    return move(to, context);
  },
});
