import type { Invalidated } from '../../auth/restore/invalidate-everything.ts';

/** The texts of `restored`. */
export const RESTORED_TEXTS = {
  auth: ({ keys, connections }: Invalidated) =>
    `auth: revoked signing keys: ${keys}, and a new one created. Ended connections: ${connections}.\n` +
    'Clients get new access tokens by themselves. Persons sign in and connect their assistants again.\n' +
    'Do again what administrators did after the backup: disabled clients and users, replaced secrets and keys.',
  api: (lists: number) => `api: change feeds that begin anew: ${lists}.`,
  noDatabase: (directory: string) =>
    `There is no embedded database in ${directory}. Set YATA_DATA_DIR, or AUTH_DATABASE_URL and API_DATABASE_URL.`,
  empty: (schema: string) =>
    `The database of ${schema} is empty. Restore the backup into it first (pg_restore), and then run this command.`,
  running: (services: readonly string[]) =>
    `Processes of ${services.join(' and ')} are connected to the database. Stop every process of auth, api and mcp first.`,
} as const;
