import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readApiConfig } from './api/config.ts';
import { startApi } from './api/main.ts';
import { credentialsPath, findOrCreateCredentials } from './auth/clients/credentials-file.ts';
import { readAuthConfig } from './auth/config.ts';
import { startAuth } from './auth/main.ts';
import { readMcpConfig } from './mcp/config.ts';
import { startMcp } from './mcp/main.ts';
import type { Environment } from './shared/configuration/environment.ts';
import { type Database, openEmbeddedDatabase } from './shared/database/database.ts';
import { runUntilSignalled } from './shared/run-until-signalled.ts';

const USAGE = `usage: npm run -s yata -- start

  start   auth, api and mcp in one process: on the embedded database, or on PostgreSQL
          with AUTH_DATABASE_URL and API_DATABASE_URL
`;

/** Starts the three services, each as it is when it is alone, and says what to do next. */
async function start(resources: AsyncDisposableStack, given: Environment): Promise<void> {
  // what is told below is to be read by a person, so only what is wrong is logged between
  const environment: Environment = { ...given, LOG_LEVEL: given.LOG_LEVEL || 'warn' };
  const authConfig = readAuthConfig(environment);
  const apiConfig = readApiConfig(environment);
  const dataDirectory = authConfig.YATA_DATA_DIR;
  const { AUTH_DATABASE_URL, API_DATABASE_URL } = { ...authConfig, ...apiConfig };

  say('Starting yata …');
  let embedded: Database | undefined;
  if (AUTH_DATABASE_URL === undefined || API_DATABASE_URL === undefined) {
    say(`Opening the embedded database in ${dataDirectory}; the first time it is made, which takes a few seconds …`);
    embedded = resources.use(await openEmbeddedDatabase(dataDirectory));
  }
  // the three meet over HTTP here too, and need no way round by a proxy that stands before them
  const here = HOSTS_TO_CONNECT_TO[authConfig.HOST] ?? authConfig.HOST;
  const mcpSecret = authConfig.MCP_CLIENT_SECRET ?? findOrCreateCredentials(dataDirectory, 'mcp').OAUTH_CLIENT_SECRET;
  const auth = resources.use(
    await startAuth({ ...authConfig, MCP_CLIENT_SECRET: mcpSecret }, databaseOf(AUTH_DATABASE_URL, embedded)),
  );
  const reachable = { ...environment, AUTH_URL: environment.AUTH_URL || `http://${here}:${auth.port}` };
  const api = resources.use(await startApi(readApiConfig(reachable), databaseOf(API_DATABASE_URL, embedded)));
  const mcpConfig = readMcpConfig({
    ...reachable,
    API_BASE_URL: `http://${here}:${api.port}${new URL(apiConfig.API_RESOURCE).pathname}`,
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: mcpSecret,
    OAUTH_CLIENT_SECRET_FILE: undefined,
    OAUTH_TOKEN_URL: undefined,
  });
  resources.use(await startMcp(mcpConfig));
  say(whatNext(mcpConfig, dataDirectory));
}

function databaseOf(url: string | undefined, embedded: Database | undefined): Database {
  if (url !== undefined) return { kind: 'postgresql', url };
  if (embedded === undefined) throw new Error('the embedded database is not open');
  return embedded;
}

/** Where a server that listens on every address is reached from here; `[…]` for an address that a URL needs it for. */
const HOSTS_TO_CONNECT_TO: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]', '::1': '[::1]' };

type Addresses = { readonly AUTH_ISSUER: string; readonly API_RESOURCE: string; readonly MCP_RESOURCE: string };

function whatNext({ AUTH_ISSUER, API_RESOURCE, MCP_RESOURCE }: Addresses, dataDirectory: string): string {
  const credentials = resolve(credentialsPath(dataDirectory, 'demo'));
  const stdio = {
    command: process.execPath,
    args: [`--env-file=${credentials}`, resolve(import.meta.dirname, 'mcp/stdio.ts')],
    env: { API_BASE_URL: API_RESOURCE },
  };
  const http = { type: 'http', url: MCP_RESOURCE, headers: { Authorization: `Bearer \${YATA_TOKEN}` } };
  const token = (parameters: string) =>
    `$(curl -s ${AUTH_ISSUER}/oauth/token -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" -d grant_type=client_credentials${parameters} |
    node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')`;
  return `
yata is up (Ctrl-C stops it).

  auth   ${AUTH_ISSUER}
  api    ${API_RESOURCE}
  mcp    ${MCP_RESOURCE}

Get an access token for the demo client:

  . ${credentials}
  TOKEN=${token('')}

Use it:

  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"title": "Try yata"}'
  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN"

Give it to an assistant over stdio:

  ${JSON.stringify({ mcpServers: { yata: stdio } })}

Or over HTTP:

  export YATA_TOKEN=${token(` -d resource=${MCP_RESOURCE}`)}

  ${JSON.stringify({ mcpServers: { yata: http } })}

The administrator's credentials are in ${credentialsPath(relative('', dataDirectory), 'admin')}.
`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { positionals } = parseArgs({ allowPositionals: true });
switch (positionals.join(' ')) {
  case 'start':
    await runUntilSignalled((resources) => start(resources, process.env));
    break;
  default:
    process.stderr.write(USAGE);
    process.exitCode = 2;
}
