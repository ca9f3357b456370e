import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApi } from '../api/main.ts';
import { findOrCreateCredentials } from '../auth/clients/credentials-file.ts';
import { startAuth } from '../auth/main.ts';
import { startMcp } from '../mcp/main.ts';
import { replacePrivateFile } from '../shared/configuration/private-file.ts';
import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import type { ListeningServer } from '../shared/http/serve.ts';
import type { Shutdown } from '../shared/shutdown.ts';
import type { StartConfig } from './start-config.ts';
import { connectText, nextStepsText, openingDatabaseText } from './start-texts.ts';

/** Starts auth, api and mcp, each as it starts alone, and prints what to do next. `resources` stops them. */
export async function startServices(
  { auth, api, mcp }: StartConfig,
  {
    resources,
    shutdown,
    write,
    isTerminal,
  }: {
    resources: AsyncDisposableStack;
    shutdown: Shutdown;
    write: (text: string) => void;
    /** Whether a person reads the output, and not a log, in which a link must not be. */
    isTerminal: boolean;
  },
): Promise<void> {
  // they share the open files of the process
  const options = { serversOfProcess: 3, shutdown };
  shutdown.delayFor(auth.SHUTDOWN_DELAY);
  const dataDirectory = auth.YATA_DATA_DIR;
  let embedded: Database | undefined;
  if (auth.AUTH_DATABASE_URL === undefined || api.API_DATABASE_URL === undefined) {
    write(openingDatabaseText(dataDirectory));
    embedded = resources.use(await openEmbeddedDatabase(dataDirectory));
  }
  const running: ListeningServer[] = [];
  // all three stop accepting connections at once and drain together; the database they share is closed after them
  resources.defer(async () => {
    await Promise.all(running.map((server) => server[Symbol.asyncDispose]()));
  });
  const apiSecrets = auth.API_CLIENT_SECRET ?? ([readSecret('api')] as const);
  const mcpSecrets = auth.MCP_CLIENT_SECRET ?? ([readSecret('mcp')] as const);
  const secrets = { API_CLIENT_SECRET: apiSecrets, MCP_CLIENT_SECRET: mcpSecrets };
  const authDatabase = databaseOf(auth.AUTH_DATABASE_URL, embedded);
  const apiDatabase = databaseOf(api.API_DATABASE_URL, embedded);
  const authServer = await startAuth({ ...auth, ...secrets }, authDatabase, options);
  running.push(authServer);
  running.push(await startApi({ ...api, OAUTH_CLIENT_SECRET: apiSecrets[0] }, apiDatabase, options));
  running.push(await startMcp({ ...mcp, OAUTH_CLIENT_SECRET: mcpSecrets[0] }, options));
  const link = storeSetupLink(dataDirectory, await authServer.createSetupLink());
  write(connectText(auth.MCP_RESOURCE, link && (isTerminal ? link : { path: link.path })));
  write(nextStepsText(auth, dataDirectory));

  function readSecret(clientId: 'api' | 'mcp'): string {
    return findOrCreateCredentials(dataDirectory, clientId).OAUTH_CLIENT_SECRET;
  }
}

/** Writes the link for the first account into a private file. When there is an account, no such file stays. */
function storeSetupLink(dataDirectory: string, link: { url: string } | undefined) {
  const path = join(dataDirectory, 'first-sign-in.txt');
  if (link === undefined) {
    rmSync(path, { force: true });
    return undefined;
  }
  replacePrivateFile(path, `${link.url}\n`);
  return { path, url: link.url };
}

function databaseOf(url: string | undefined, embedded: Database | undefined): Database {
  if (url !== undefined) return { kind: 'postgresql', url };
  if (embedded === undefined) throw new Error('the embedded database is not open');
  return embedded;
}
