import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type {
  AuditEventResponse,
  ClientResponse,
  ConnectionResponse,
  KeyResponse,
  LinkResponse,
  RevocationResponse,
  UserResponse,
} from '../auth/admin/contract.ts';
import type { Environment } from '../shared/configuration/environment.ts';
import { createIssuer } from '../shared/resource-server/issuer.ts';
import { describeError } from '../shared/run-until-signalled.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { type AdminClient, AdminRequestError, createAdminClient } from './admin-client.ts';
import { describeOutputError } from './command-line/handle-output-errors.ts';
import { COMMANDS } from './commands.ts';
import { type AdminConnection, connectAdmin } from './connect-admin.ts';
import { toBrokenLink } from './doctor/cautious-fetch.ts';
import { runDoctor } from './doctor/run-doctor.ts';
import { NO_CREDENTIALS, SCENARIOS, type Scenario } from './doctor/testing/scenarios.ts';
import { startTestServers, type TestServers } from './doctor/testing/start-test-servers.ts';
import { LOGIN_TEXTS } from './login-texts.ts';
import { describeMigrated } from './migrate.ts';
import { MOVE_TEXTS } from './move/texts.ts';
import { createPatientFetch, FOR_AUTH_OF_IMPORT, FOR_TODO_API } from './patient-fetch.ts';
import { RESTORED_TEXTS } from './restored/texts.ts';
import { connectText, nextStepsText, openingDatabaseText, STARTING_TEXT } from './start-texts.ts';
import { runInProcess } from './testing/run-in-process.ts';
import { stringFragments } from './testing/string-fragments.ts';
import { USAGE_ERRORS } from './testing/usage-errors.ts';
import { TODO_TEXTS } from './todos/texts.ts';

/** Every text of the command line. */
let texts = '';

beforeAll(async () => {
  texts = [
    'Every text of the command line, written by `npx vitest run cli/command-line-texts.test.ts -u`.',
    section('Help', await helpTexts()),
    section('Usage errors', await usageErrorTexts()),
    section('Results', await resultTexts()),
    section('Errors', await errorTexts()),
    section('Start', startTexts()),
    section('Login', loginTexts()),
    section('Restored', restoredTexts()),
    section('Todos', await todosTexts()),
    section('Move', moveTexts()),
    section('Doctor', await doctorTexts()),
    section('Doctor: requests without a response', connectionErrorTexts()),
  ].join('\n\n');
}, 60_000);

test('the texts of the command line are those of the snapshot', async () => {
  await expect(`${texts}\n`).toMatchFileSnapshot('./testing/texts.snap.txt');
});

/** Texts that no user reads: errors of the program itself, and parts of requests. */
const NOT_SHOWN = [
  'commander ran no command',
  'gives no help',
  'expected the markers',
  '<!-- commands',
  '<!-- end of commands -->',
  '| command | does |',
  'from pg_stat_activity',
  'from pg_tables',
  'the embedded database is not open',
  // an auth of an earlier version
  'auth did not say which revocation to wait for',
  'application/json, text/event-stream',
];

/** Files whose texts are SQL. What a user reads of them is in `move/texts.ts`. */
const SQL_FILES = ['catalog', 'embedded-source', 'pages', 'target'].map((name) => `move/${name}.ts`);

test('the snapshot has every text of the sources', () => {
  const shown = squeeze(texts);
  const missing = globSync('**/*.ts', {
    cwd: import.meta.dirname,
    exclude: ['**/testing/**', '**/*.test.ts', ...SQL_FILES],
  })
    .flatMap((path) => stringFragments(readFileSync(join(import.meta.dirname, path), 'utf8')))
    .map(squeeze)
    .filter((text) => /\S \S/.test(text) && text.length > 8)
    .filter((text) => !shown.includes(text) && !NOT_SHOWN.some((part) => text.includes(part)));
  expect(missing).toEqual([]);
});

/** Makes runs of spaces and line breaks equal: the help wraps its lines. */
function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function section(title: string, entries: readonly string[]): string {
  return [`${'='.repeat(100)}\n${title}\n${'='.repeat(100)}`, ...entries].join('\n\n');
}

async function helpTexts(): Promise<string[]> {
  const nouns = new Set(COMMANDS.map(({ name }) => name.split(' ')).flatMap(([noun, verb]) => (verb ? [noun] : [])));
  const names = ['', ...nouns, ...COMMANDS.map(({ name }) => name)];
  return Promise.all(names.map((name) => transcript(`${name} --help`.trim().split(' '))));
}

async function usageErrorTexts(): Promise<string[]> {
  // the message and the usage, without the list of commands, which the help has too
  return Promise.all(
    USAGE_ERRORS.map(async ([words]) => (await transcript(words)).split('\n').slice(0, 5).join('\n').trim()),
  );
}

/** Runs a command line, and returns it with everything that it prints. */
async function transcript(
  words: readonly string[],
  administration?: Partial<AdminConnection>,
  environment: Environment = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await runInProcess(words, COMMANDS, {
    environment,
    ...(administration !== undefined && {
      connectAdmin: async () => ({ admin, storeCredentials: () => undefined, ...administration }),
      readStdin: () => '{"keys":[]}',
    }),
  });
  const command = ['$ yata', ...words.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`))].join(' ');
  const output = `${stdout}${stderr}`.trimEnd().replaceAll(/ in \d+ ms$/gm, ' in 6 ms');
  return exitCode === 0 ? `${command}\n${output}` : `${command}\n${output}\n[exit code ${exitCode}]`;
}

const AT = '2026-11-26T12:00:00.000Z';

const client: ClientResponse = {
  client_id: 'night-job',
  kind: 'registered',
  client_name: 'Night job',
  scope: 'todos:read',
  resources: ['http://localhost:3001/api/v1'],
  resource_server: null,
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
  one_token_at_a_time: false,
  active: true,
  created_at: AT,
  updated_at: AT,
  last_used_at: null,
  secrets: [{ created_at: AT, expires_at: null, last_used_at: null }],
  keys: [],
};
const withKeys: ClientResponse = {
  ...client,
  token_endpoint_auth_method: 'private_key_jwt',
  secrets: [],
  keys: [
    { thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs', kid: 'two', expires_at: null },
    { thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', kid: null, expires_at: AT },
  ],
};
const withSecret = { ...client, client_secret: 'the-new-secret' };
const resourceServer: ClientResponse = {
  ...client,
  client_id: 'mcp',
  client_name: 'MCP server',
  resource_server: 'http://localhost:3002/mcp',
  one_token_at_a_time: true,
  active: false,
  secrets: [{ created_at: AT, expires_at: AT, last_used_at: AT }],
};
const assistant: ClientResponse = {
  ...client,
  client_id: 'dyn_1m0G7y',
  kind: 'dynamic',
  client_name: 'An assistant',
  redirect_uris: ['http://127.0.0.1/callback', 'https://assistant.example/callback'],
  token_endpoint_auth_method: 'none',
  last_used_at: AT,
  secrets: [],
};
const user: UserResponse = {
  id: 'usr_5PpG9c',
  username: 'Ada',
  active: true,
  created_at: AT,
  last_sign_in_at: AT,
  passkeys: 1,
  has_password: true,
  connections: 2,
};
const key: KeyResponse = {
  kid: 'q2mNGSDOIbkvlnWW',
  alg: 'ES256',
  status: 'next',
  created_at: '2026-11-26T12:00:00.000Z',
  signs_from: '2026-11-26T12:10:00.000Z',
  published_until: null,
  revoked_at: null,
};
const revokedKey: KeyResponse = {
  ...key,
  kid: 'cn-I_WNMClehiVp5',
  status: 'revoked',
  published_until: '2026-11-26T15:15:00.000Z',
  revoked_at: '2026-11-26T12:05:00.000Z',
};
const connection: ConnectionResponse = {
  id: 'con_4Gq2hx',
  username: 'Ada',
  client_id: 'dyn_1m0G7y',
  client_name: 'An assistant',
  scope: 'todos:read todos:write',
  resource: 'http://localhost:3002/mcp',
  redirect_host: '127.0.0.1',
  created_at: AT,
  last_used_at: AT,
  expires_at: AT,
};
const link: LinkResponse = { url: 'http://localhost:3000/welcome#the-token', expires_at: AT };
const revocation: RevocationResponse = { sequence: 1, confirmed: ['api'], pending: ['mcp'] };
const event: AuditEventResponse = {
  id: 2,
  at: AT,
  actor: 'admin',
  action: 'client.disable',
  target: 'demo',
  address: '127.0.0.1',
  request_id: 'request-1',
  outcome: 'success',
  detail: {},
};

const clientExists = new AdminRequestError(409, JSON.stringify({ code: 'client_exists', detail: 'It exists.' }));

const admin: AdminClient = {
  createClient: async () => withSecret,
  listClients: async () => [client, resourceServer],
  getClient: async (id) => (id === 'night-job' ? client : resourceServer),
  changeClient: async () => client,
  setKeys: async () => withKeys,
  deleteClient: async () => {},
  rotateSecret: async () => withSecret,
  revoke: async () => revocation,
  getRevocation: async () => ({ ...revocation, confirmed: ['api', 'mcp'], pending: [] }),
  inviteUser: async () => link,
  recoverUser: async () => link,
  listUsers: async () => [user, { ...user, username: 'Bob', active: false, passkeys: 0, last_sign_in_at: null }],
  getUser: async () => user,
  setUserActive: async (_username, active) => ({ ...user, active, ...(!active && { revocation: { sequence: 1 } }) }),
  deleteUser: async () => ({ ...user, revocation: { sequence: 1 } }),
  listConnections: async () => [connection],
  revokeConnections: async () => ({ ...revocation, revoked: ['con_4Gq2hx'] }),
  listKeys: async () => [key, { ...key, kid: 'NzbLsXh8', status: 'active' }, revokedKey],
  rotateKeys: async () => key,
  revokeKey: async () => revocation,
  listAudit: async () => [event],
};

/** An authorization server at which no resource server has authenticated. */
const unconfirmed: AdminClient = {
  ...admin,
  revoke: async () => ({ sequence: 1, confirmed: [], pending: [] }),
  getRevocation: async () => ({ sequence: 1, confirmed: [], pending: [] }),
};

async function resultTexts(): Promise<string[]> {
  return [
    describeMigrated({ schema: 'auth', executed: ['Migration20261128075958_persons'] }),
    describeMigrated({ schema: 'api', executed: [] }),
    await transcript(['clients', 'create', '--name', 'Night job', '--scope', 'todos:read'], {}),
    await transcript(['clients', 'create', '--name', 'Night job', '--scope', 'todos:read', '--json'], {}),
    ...(await Promise.all(
      ['todos:read', 'todos:read todos:write'].map((scope) =>
        transcript(['clients', 'create', '--id', 'night-job', '--if-absent', '--name', 'Night job', '--scope', scope], {
          admin: { ...admin, createClient: async () => Promise.reject(clientExists) },
        }),
      ),
    )),
    await transcript(['clients', 'list'], {}),
    await transcript(['clients', 'list'], { admin: { ...admin, listClients: async () => [assistant] } }),
    await transcript(['clients', 'show', 'dyn_1m0G7y'], { admin: { ...admin, getClient: async () => assistant } }),
    await transcript(['users', 'invite', 'Ada'], {}),
    await transcript(['users', 'recover', 'Ada', '--expires', '3d'], {}),
    await transcript(['users', 'list'], {}),
    await transcript(['users', 'list'], { admin: { ...admin, listUsers: async () => [] } }),
    await transcript(['users', 'show', 'Ada'], {}),
    await transcript(['users', 'disable', 'Ada'], {}),
    await transcript(['users', 'disable', 'Ada', '--wait'], {}),
    await transcript(['users', 'enable', 'Ada'], {}),
    await transcript(['users', 'delete', 'Ada'], {}),
    await transcript(['users', 'delete', 'Ada', '--wait'], {}),
    await transcript(['connections', 'list'], {}),
    await transcript(['connections', 'list'], { admin: { ...admin, listConnections: async () => [] } }),
    await transcript(['connections', 'revoke', 'con_4Gq2hx'], {}),
    await transcript(['connections', 'revoke', '--user', 'Ada', '--wait'], {}),
    await transcript(['keys', 'list'], {}),
    await transcript(['keys', 'rotate'], {}),
    await transcript(['keys', 'rotate', '--in', '1s'], {}),
    await transcript(['keys', 'rotate', '--in', 'soon'], {}),
    await transcript(['keys', 'revoke', 'NzbLsXh8'], {}),
    await transcript(['keys', 'revoke', 'NzbLsXh8', '--wait'], {}),
    await transcript(['connections', 'revoke', '--client', 'other'], {
      admin: { ...admin, revokeConnections: async () => ({ ...revocation, revoked: [] }) },
    }),
    await transcript(['clients', 'show', 'mcp'], {}),
    await transcript(['clients', 'disable', 'night-job'], {}),
    await transcript(['clients', 'disable', 'night-job', '--wait'], {
      admin: { ...admin, changeClient: async () => ({ ...client, active: false, revocation: { sequence: 1 } }) },
    }),
    await transcript(['clients', 'enable', 'night-job'], {}),
    await transcript(['clients', 'delete', 'night-job'], {}),
    await transcript(['clients', 'rotate-secret', 'night-job'], {}),
    await transcript(['clients', 'rotate-secret', 'night-job'], {
      storeCredentials: () => 'data/night-job-client.env',
    }),
    await transcript(['clients', 'rotate-secret', 'night-job'], {
      storeCredentials: () => {
        throw new Error('EACCES: permission denied');
      },
    }),
    await transcript(['clients', 'set-keys', 'night-job', '-', '--overlap', '24h'], {}),
    await transcript(['clients', 'show', 'night-job'], { admin: { ...admin, getClient: async () => withKeys } }),
    await transcript(['clients', 'set-scope', 'night-job', 'todos:read'], {}),
    await transcript(['tokens', 'revoke', 'TOKEN'], {}),
    await transcript(['tokens', 'revoke', '--client', 'demo', '--wait'], {}),
    await transcript(['tokens', 'revoke', '--client', 'demo', '--wait'], {
      admin: { ...admin, getRevocation: async () => revocation },
    }),
    ...(await Promise.all(
      [
        ['tokens', 'revoke', 'TOKEN'],
        ['tokens', 'revoke', 'TOKEN', '--wait'],
        ['tokens', 'revoke', 'TOKEN', '--wait', '--json'],
      ].map((words) => transcript(words, { admin: unconfirmed })),
    )),
    await transcript(['audit'], {}),
    await transcript(['audit'], { admin: { ...admin, listAudit: async () => [] } }),
  ];
}

async function errorTexts(): Promise<string[]> {
  using directory = makeTemporaryDirectory();
  const YATA_DATA_DIR = join(directory.path, 'data');
  const answer = (status: number, body: unknown, headers = {}) => Response.json(body, { status, headers });
  return [
    message(() => connectAdmin({ YATA_DATA_DIR }, () => undefined)).replaceAll(`${directory.path}/`, ''),
    message(() => connectAdmin({ YATA_DATA_DIR, OAUTH_CLIENT_ID: 'admin' }, () => undefined)),
    (await transcript(['token'], {}, { YATA_DATA_DIR })).replaceAll(`${directory.path}/`, ''),
    await tokenRejection(400, { error: 'invalid_scope', error_description: 'the client may not have this scope' }),
    await rejection(answer(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="auth"' })),
    await rejection(answer(400, { error: 'invalid_scope', error_description: 'the scope is not allowed' })),
    await rejection(answer(429, { error: 'temporarily_unavailable' }, { 'retry-after': '42' })),
    await rejection(
      answer(
        429,
        {
          error: 'temporarily_unavailable',
          error_description:
            '6000 access tokens were issued to this client within a minute: send fewer requests and retry in 42 seconds',
        },
        { 'retry-after': '42' },
      ),
    ),
    await rejection(answer(200, { access_token: 'a', token_type: 'Bearer' }), answer(404, { detail: 'The detail.' })),
    await rejection(
      answer(200, { access_token: 'a', token_type: 'Bearer' }),
      new Response('Bad Gateway', { status: 502 }),
    ),
    await textsWithoutAnswer(),
    await transcript(['migrate']),
  ];
}

/** What a user of `token` reads when auth answers the token request in this way. */
async function tokenRejection(status: number, body: object): Promise<string> {
  const server = createServer((request, response) => {
    const issuer = `http://${request.headers.host}`;
    const isDiscovery = request.url?.startsWith('/.well-known/');
    response.writeHead(isDiscovery ? 200 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isDiscovery ? { issuer, token_endpoint: `${issuer}/oauth/token` } : body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const environment = {
    AUTH_ISSUER: `http://127.0.0.1:${port}`,
    OAUTH_CLIENT_ID: 'demo',
    OAUTH_CLIENT_SECRET: 'secret',
  };
  const text = await transcript(['token', '--scope', 'admin'], {}, environment);
  server.close();
  return text;
}

/** What a user reads when auth closes the connection instead of answering a request that must not be repeated. */
async function textsWithoutAnswer(): Promise<string> {
  const server = createServer((_request, response) => setTimeout(() => response.destroy(), 200));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const lines: string[] = [];
  const times = { total: 30_000, attempt: 15_000, absent: 2_000, notice: 0, pause: 500 };
  const patientFetch = createPatientFetch({ notify: (text) => lines.push(text), times });
  const { port } = server.address() as AddressInfo;
  const failure = await patientFetch(`http://127.0.0.1:${port}/admin/clients`, { method: 'POST' }).catch(describeError);
  server.close();
  // the cause is a message of Node
  return [...lines, String(failure).split('\n', 1)[0]].join('\n');
}

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return describeError(error);
  }
  throw new Error('expected an error');
}

/** The message when auth gives these answers to the token request and to the request that follows it. */
async function rejection(tokenAnswer: Response, adminAnswer?: Response): Promise<string> {
  const answers = [tokenAnswer, adminAnswer];
  const identifier = 'http://localhost:3000';
  const issuer = createIssuer({
    identifier,
    fetch: async (input) =>
      String(input).includes('.well-known')
        ? Response.json({ issuer: identifier, token_endpoint: `${identifier}/oauth/token` })
        : (answers.shift() ?? new Response(null, { status: 500 })),
  });
  const credentials = { OAUTH_CLIENT_ID: 'admin', OAUTH_CLIENT_SECRET: 'secret' };
  return createAdminClient({ issuer, credentials, source: 'data/admin-client.env' })
    .listClients()
    .then(() => 'no error', describeError);
}

function restoredTexts(): string[] {
  return [
    RESTORED_TEXTS.auth({ keys: 2, connections: 3 }),
    RESTORED_TEXTS.api(4),
    RESTORED_TEXTS.noDatabase('/srv/yata/data'),
    RESTORED_TEXTS.empty('auth'),
    RESTORED_TEXTS.running(['api', 'auth']),
  ];
}

function loginTexts(): string[] {
  return [
    LOGIN_TEXTS.open('http://localhost:3000/oauth/authorize?client_id=yata'),
    LOGIN_TEXTS.signedIn('usr_5PpG9c', 'todos:read todos:write'),
    LOGIN_TEXTS.previousRevoked(),
    LOGIN_TEXTS.previousNotRevoked('http://auth.example', LOGIN_TEXTS.insecureIssuer('http://auth.example')),
    LOGIN_TEXTS.signedOut(),
    LOGIN_TEXTS.notSignedIn(),
    LOGIN_TEXTS.rejected('access_denied'),
    LOGIN_TEXTS.ended(),
    LOGIN_TEXTS.notRevoked('http://localhost:3000'),
    LOGIN_TEXTS.invalidFile('data/login.json'),
    LOGIN_TEXTS.late(),
    LOGIN_TEXTS.done().trim(),
    LOGIN_TEXTS.notFound().trim(),
  ];
}

async function todosTexts(): Promise<string[]> {
  const file = Array.from({ length: 12 }, (_, index) => `- [ ] Todo ${index} 🔁 every day 🛫 2026-12-01\n`).join('');
  const words = ['todos', 'import', '-', '--dry-run', '--time-zone', 'Europe/Berlin'];
  const readStdinBytes = () => Buffer.from(file);
  const { stdout } = await runInProcess(words, COMMANDS, { readStdinBytes });
  const { stderr } = await runInProcess(words, COMMANDS, { readStdinBytes: () => Buffer.from('Dear diary') });
  return [
    `$ yata ${words.join(' ')}\n${stdout.trim()}`,
    stderr.trim(),
    TODO_TEXTS.imported({ created: 9_998, skipped: 2 }, 'demo'),
    TODO_TEXTS.skipped(),
    TODO_TEXTS.exported(12, 'demo', 'todotxt', 'Europe/Berlin'),
    TODO_TEXTS.exported(1, 'demo', 'jsonl', undefined),
    TODO_TEXTS.notExportedParts([{ what: 'description', count: 3 }]),
    TODO_TEXTS.incomplete(),
    TODO_TEXTS.unreadable('no such file or directory (ENOENT)'),
    TODO_TEXTS.noNewFile('permission denied (EACCES)'),
    TODO_TEXTS.fileExists(),
    describeOutputError(Object.assign(new Error(), { code: 'ENOSPC', errno: -28 })),
    TODO_TEXTS.progress(4_000, 10_000),
    TODO_TEXTS.interrupted(4_000, 10_000, 'repeat'),
    TODO_TEXTS.interrupted(4_000, 10_000, 'solve'),
    TODO_TEXTS.unreachable('http://localhost:3001/api/v1'),
    TODO_TEXTS.rejected('The access token has expired'),
    TODO_TEXTS.unexpectedResponse(404),
    ...Object.values(FOR_TODO_API.notice),
    ...Object.values(FOR_AUTH_OF_IMPORT.notice),
  ];
}

function moveTexts(): string[] {
  const tables = [
    { table: 'api.todo', rows: 1_000_000 },
    { table: 'auth.client', rows: 4 },
    { table: 'auth.passkey', rows: 0 },
  ];
  return [
    MOVE_TEXTS.copying(250_000, 1_000_004),
    MOVE_TEXTS.verifying(0, 1),
    MOVE_TEXTS.moved(tables, 93),
    MOVE_TEXTS.moved([], 1),
    MOVE_TEXTS.next('data/database', ['AUTH_DATABASE_URL', 'API_DATABASE_URL']),
    MOVE_TEXTS.noSource('data/database'),
    MOVE_TEXTS.emptySource(),
    MOVE_TEXTS.olderSource(),
    MOVE_TEXTS.newerSource(),
    MOVE_TEXTS.unknownTable('public.more'),
    MOVE_TEXTS.missingVariable('API_DATABASE_URL'),
    MOVE_TEXTS.newerTarget('--to'),
    MOVE_TEXTS.foreignTable('--to', 'auth.users'),
    MOVE_TEXTS.notEmpty('--to', 'auth.client'),
    MOVE_TEXTS.notCreated('--to', 'auth'),
    MOVE_TEXTS.differentTable('--to', 'api.todo'),
    MOVE_TEXTS.inUse('--to'),
    MOVE_TEXTS.notVerified('--to', 'api.todo', 2, 1),
    MOVE_TEXTS.failed('--to'),
    MOVE_TEXTS.unknownOutcome('--to'),
    MOVE_TEXTS.halfCommitted('AUTH_DATABASE_URL', 'API_DATABASE_URL'),
  ];
}

function startTexts(): string[] {
  const addresses = {
    AUTH_ISSUER: 'http://localhost:3000',
    API_RESOURCE: 'http://localhost:3001/api/v1',
    MCP_RESOURCE: 'http://localhost:3002/mcp',
    ALLOW_INSECURE_HTTP: 'false',
  } as const;
  const up = nextStepsText(addresses, 'data').replaceAll(process.execPath, 'NODE').replaceAll(process.cwd(), 'YATA');
  const link = { url: 'http://localhost:3000/welcome#the-token', path: 'data/first-sign-in.txt' };
  const connect = [undefined, link, { path: link.path }].map((given) =>
    connectText(addresses.MCP_RESOURCE, given).trim(),
  );
  return [STARTING_TEXT, openingDatabaseText('data'), ...connect, up.trim()];
}

async function doctorTexts(): Promise<string[]> {
  const texts: string[] = [];
  for (const path of ['/mcp', '/api/v1']) texts.push(await diagnose({ name: `a correct server at ${path}`, path }));
  texts.push(await diagnose({ name: 'no client credentials', environment: NO_CREDENTIALS }));
  const scenarios: Examination[] = [
    { name: 'an authorization server', url: ({ issuer }) => issuer },
    { name: 'a URL without its path', url: ({ url }) => new URL(url).origin },
    {
      name: 'a URL without its path, and no metadata at the root',
      deviate: () => ({ replies: { 'GET /.well-known/oauth-protected-resource': { status: 404 } } }),
      url: ({ url }) => new URL(url).origin,
    },
    { name: 'http on another machine', url: () => 'http://mcp.invalid/mcp' },
    ...SCENARIOS.map(({ suffix = '', ...scenario }) => ({
      ...scenario,
      url: ({ url }: TestServers) => url + suffix,
    })),
  ];
  for (const scenario of scenarios) texts.push(onlyFindings(await diagnose(scenario)));
  return texts;
}

type Examination = Partial<Pick<Scenario, 'deviate' | 'path' | 'environment'>> & {
  readonly name: string;
  readonly url?: (servers: TestServers) => string;
};

/** Runs the doctor, and replaces everything that is different in every run. */
async function diagnose({
  name,
  deviate,
  path,
  environment = {},
  url = ({ url }) => url,
}: Examination): Promise<string> {
  await using servers = await startTestServers(deviate, path);
  const { text } = await runDoctor(url(servers), { ...servers.environment, ...environment });
  const shown = text
    .replaceAll(new URL(servers.url).host, 'resource.test')
    .replaceAll(new URL(servers.issuer).host, 'auth.test')
    .replaceAll(/expires in \d+ s/g, 'expires in 600 s')
    .replaceAll(/exp of the access token is \d+/g, 'exp of the access token is 1764158340')
    .replaceAll(/(is|by) \d+ s( ahead| behind| after| before|$)/gm, '$1 60 s$2');
  return `--- ${name}\n${shown}`;
}

/** Removes the doctor's links that hold, and the links that were not checked because an earlier link fails. */
function onlyFindings(text: string): string {
  return text
    .split('\n')
    .filter((line) => /^---|^[✗!-] |^ +→|^✓ tools-list/.test(line) && !line.includes('not checked: it needs'))
    .join('\n');
}

function connectionErrorTexts(): string[] {
  const codes = [
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'ECONNRESET',
    'HTTPParserError',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'EPROTO',
    'EPIPE',
  ];
  return codes.map((code) => {
    const { message: detail, remedy } = toBrokenLink(
      'http://resource.test/mcp',
      Object.assign(new Error(code), { code }),
    );
    return `${detail}\n→ ${remedy}`;
  });
}
