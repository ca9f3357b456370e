import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

/** A data directory, three ports, and a database on the PostgreSQL server if the tests have one. Disposing it removes it. */
export type Installation = AsyncDisposable & {
  /** The path of the data directory. */
  readonly data: string;
  readonly environment: {
    readonly YATA_DATA_DIR: string;
    readonly AUTH_PORT: string;
    readonly API_PORT: string;
    readonly MCP_PORT: string;
  } & Readonly<Record<string, string>>;
  /** Whether it has the embedded database, which only one process may open. */
  readonly isEmbedded: boolean;
  /** Runs `yata start`, and resolves when all three services listen. */
  readonly start: (variables?: Record<string, string>) => Promise<RunningProcess>;
  /** The secrets of the clients `demo`, `admin`, `mcp` and `api`, in this order, after the first start. */
  readonly secrets: () => string[];
};

/** Opens an installation with an empty data directory, whose name is `folder`. */
export async function openInstallation(folder = 'data'): Promise<Installation> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const database = opening.use(await openTestDatabase());
  const data = join(directory.path, folder);
  const environment = {
    YATA_DATA_DIR: data,
    AUTH_PORT: String(await getFreePort()),
    API_PORT: String(await getFreePort()),
    MCP_PORT: String(await getFreePort()),
    ...(database.kind === 'postgresql' && { AUTH_DATABASE_URL: database.url, API_DATABASE_URL: database.url }),
  };
  const opened = opening.move();
  return {
    data,
    environment,
    isEmbedded: database.kind === 'embedded',
    start: (variables = {}) => startProcess(['yata.ts', 'start'], { ...environment, ...variables }, 'yata is up'),
    secrets: () =>
      ['demo', 'admin', 'mcp', 'api'].map((name) =>
        String(parseEnv(readFileSync(join(data, `${name}-client.env`), 'utf8')).OAUTH_CLIENT_SECRET),
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
