import { isIPv6 } from 'node:net';
import { relative, resolve } from 'node:path';
import * as z from 'zod';
import { readApiConfig } from './api/config.ts';
import {
  credentialsPath,
  findOrCreateCredentials,
  readCredentials,
  replaceCredentials,
} from './auth/clients/credentials-file.ts';
import { type AuthConfig, readAuthConfig } from './auth/config.ts';
import { createAdminClient } from './cli/admin-client.ts';
import { ADMIN_NOUNS, ADMIN_USAGE, runAdminCommand } from './cli/admin-commands.ts';
import { UsageError } from './cli/parse-command.ts';
import { readMcpConfig } from './mcp/config.ts';
import { checkTogether, type Environment, readEnvironment, resolveFiles } from './shared/configuration/environment.ts';
import { dataDirectory, httpUrl, identifiers } from './shared/configuration/variables.ts';
import { type Database, openEmbeddedDatabase } from './shared/database/database.ts';
import type { ListeningServer } from './shared/http/serve.ts';
import { createIssuer } from './shared/resource-server/issuer.ts';
import { describeError, runUntilSignalled } from './shared/run-until-signalled.ts';

const USAGE = `usage: npm run -s yata -- COMMAND

  start   auth, api and mcp in one process: on the embedded database, or on PostgreSQL
          with AUTH_DATABASE_URL and API_DATABASE_URL
  doctor URL
          walks from an MCP endpoint or an API to all that a client needs, and says which link fails and what to do;
          with OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET in the environment it gets an access token and tries it
${ADMIN_USAGE}
--json    print one JSON value and nothing else
--help    this
`;

/** Starts the three services, each as it is when it is alone, and says what to do next. */
async function start(resources: AsyncDisposableStack, given: Environment): Promise<void> {
  // what is told below is to be read by a person, so only what is wrong is logged between
  const resolved = resolveFiles(given);
  const environment: Environment = {
    ...resolved,
    ...(!resolved.LOG_LEVEL && !resolved.LOG_LEVEL_FILE && { LOG_LEVEL: 'warn' }),
    // mcp is the client that auth registers for it, and reaches the api here
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: 'made below',
    OAUTH_CLIENT_SECRET_FILE: undefined,
    OAUTH_CLIENT_ID_FILE: undefined,
    OAUTH_TOKEN_URL: undefined,
    OAUTH_TOKEN_URL_FILE: undefined,
    API_BASE_URL: undefined,
    API_BASE_URL_FILE: undefined,
  };
  checkTogether([readAuthConfig, readApiConfig, readMcpConfig].map((read) => () => read(environment)));
  const authConfig = readAuthConfig(environment);
  // the three meet over HTTP here too, and need no way round by a proxy that stands before them
  const here = hostToConnectTo(authConfig.HOST);
  const reachable = { ...environment, AUTH_URL: environment.AUTH_URL || `http://${here}:${authConfig.AUTH_PORT}` };
  const apiConfig = readApiConfig(reachable);
  const mcpConfig = readMcpConfig({
    ...reachable,
    API_BASE_URL: `http://${here}:${apiConfig.API_PORT}${new URL(apiConfig.API_RESOURCE).pathname}`,
  });
  const dataDirectory = authConfig.YATA_DATA_DIR;
  const { AUTH_DATABASE_URL, API_DATABASE_URL } = { ...authConfig, ...apiConfig };

  say('Starting yata …');
  // imported here, for the other commands need none of what the services are made of
  const { startAuth } = await import('./auth/main.ts');
  const { startApi } = await import('./api/main.ts');
  const { startMcp } = await import('./mcp/main.ts');
  let embedded: Database | undefined;
  if (AUTH_DATABASE_URL === undefined || API_DATABASE_URL === undefined) {
    say(`Opening the embedded database in ${dataDirectory}; the first time it is made, which takes a few seconds …`);
    embedded = resources.use(await openEmbeddedDatabase(dataDirectory));
  }
  const running: ListeningServer[] = [];
  // all three stop accepting at once and drain together; what they share is closed after them
  resources.defer(async () => {
    await Promise.all(running.map((server) => server[Symbol.asyncDispose]()));
  });
  const mcpSecret = authConfig.MCP_CLIENT_SECRET ?? findOrCreateCredentials(dataDirectory, 'mcp').OAUTH_CLIENT_SECRET;
  running.push(
    await startAuth({ ...authConfig, MCP_CLIENT_SECRET: mcpSecret }, databaseOf(AUTH_DATABASE_URL, embedded)),
  );
  running.push(await startApi(apiConfig, databaseOf(API_DATABASE_URL, embedded)));
  running.push(await startMcp({ ...mcpConfig, OAUTH_CLIENT_SECRET: mcpSecret }));
  say(whatNext(authConfig, dataDirectory));
}

function databaseOf(url: string | undefined, embedded: Database | undefined): Database {
  if (url !== undefined) return { kind: 'postgresql', url };
  if (embedded === undefined) throw new Error('the embedded database is not open');
  return embedded;
}

/** Where a server is reached from here that listens on `host`, which may be every address; as a URL has it. */
function hostToConnectTo(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}

type Addresses = Pick<AuthConfig, 'AUTH_ISSUER' | 'API_RESOURCE' | 'MCP_RESOURCE' | 'ALLOW_INSECURE_HTTP'>;

function whatNext(addresses: Addresses, dataDirectory: string): string {
  const { AUTH_ISSUER, API_RESOURCE, MCP_RESOURCE, ALLOW_INSECURE_HTTP } = addresses;
  const credentials = resolve(credentialsPath(dataDirectory, 'demo'));
  const stdio = {
    command: process.execPath,
    args: [`--env-file=${credentials}`, resolve(import.meta.dirname, 'mcp/stdio.ts')],
    env: { API_BASE_URL: API_RESOURCE, ...(ALLOW_INSECURE_HTTP === 'true' && { ALLOW_INSECURE_HTTP }) },
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

  . ${quoteForShell(credentials)}
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

function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs a command of the administrator against auth's API, with the credentials in the data directory. */
async function administer(words: readonly string[], json: boolean): Promise<void> {
  if (!ADMIN_NOUNS.includes(words[0] ?? '')) throw new UsageError(`there is no command ${words[0] ?? ''}`.trim());
  const environment = resolveFiles(process.env);
  const { AUTH_ISSUER, AUTH_URL, YATA_DATA_DIR } = readEnvironment(
    z.object({ ...identifiers(environment), AUTH_URL: httpUrl.optional(), YATA_DATA_DIR: dataDirectory }),
    environment,
  );
  const issuer = createIssuer({ identifier: AUTH_ISSUER, url: AUTH_URL });
  const result = await runAdminCommand(words, {
    admin: createAdminClient({ issuer, credentials: readCredentials(YATA_DATA_DIR, 'admin') }),
    keepCredentials: (credentials) => replaceCredentials(YATA_DATA_DIR, credentials),
  });
  say(json ? JSON.stringify(result.json) : result.text);
}

/** Examines what is at a URL, as a client would meet it. */
async function examine(operands: readonly string[], json: boolean): Promise<void> {
  const [url = '', ...others] = operands;
  // never shown: it may hold a password
  const { protocol, username, password, hash } = URL.canParse(url) ? new URL(url) : { protocol: '' };
  if (!/^https?:$/.test(protocol) || username || password || hash || others.length > 0)
    throw new UsageError('doctor: expected one http or https URL, without a user name, a password and a fragment');
  // imported here, for the other commands need none of it
  const { runDoctor } = await import('./cli/doctor/command-line.ts');
  const diagnosis = await runDoctor(url, process.env);
  say(json ? JSON.stringify(diagnosis.json) : diagnosis.text);
  process.exitCode = diagnosis.exitCode;
}

const words = process.argv.slice(2).filter((word) => word !== '--json');
const [noun] = words;
if (noun === 'start' && words.length === 1) {
  await runUntilSignalled((resources) => start(resources, process.env));
} else if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(USAGE);
} else if (noun === undefined || noun.startsWith('-')) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    const json = process.argv.includes('--json');
    if (noun === 'doctor') await examine(words.slice(1), json);
    else await administer(words, json);
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${USAGE}`);
    else process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
