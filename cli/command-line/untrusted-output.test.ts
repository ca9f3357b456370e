import { expect, test } from 'vitest';
import type {
  AuditEventResponse,
  ClientResponse,
  ConnectionResponse,
  KeyResponse,
  LinkResponse,
  RevocationResponse,
  UserResponse,
} from '../../auth/admin/contract.ts';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { type AdminClient, createAdminClient } from '../admin-client.ts';
import { COMMANDS } from '../commands.ts';
import { startTestServers } from '../doctor/testing/start-test-servers.ts';
import { runInProcess } from '../testing/run-in-process.ts';

// No text of a server or a stranger controls the terminal, adds a line, or looks like a column.

const FORBIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Erases the screen, reverses the direction of text, ends the line, and continues with columns of its own. */
const HOSTILE = '\u001b[2J\u009b2J\u202e\u2066\u2028\u2029\u0085\r\n\u{e0041}\ufeff  client.disable  demo';

const client: ClientResponse = {
  client_id: HOSTILE,
  kind: 'dynamic',
  client_name: HOSTILE,
  scope: HOSTILE,
  resources: [HOSTILE],
  resource_server: HOSTILE,
  redirect_uris: [HOSTILE],
  token_endpoint_auth_method: 'client_secret_basic',
  one_token_at_a_time: false,
  active: true,
  created_at: '2026-11-26T12:00:00.000Z',
  updated_at: '2026-11-26T12:00:00.000Z',
  last_used_at: null,
  secrets: [],
  keys: [{ thumbprint: HOSTILE, kid: HOSTILE, expires_at: null }],
  client_secret: HOSTILE,
};
const user: UserResponse = {
  id: HOSTILE,
  username: HOSTILE,
  active: true,
  created_at: '2026-11-26T12:00:00.000Z',
  last_sign_in_at: null,
  passkeys: 0,
  has_password: true,
  connections: 0,
};
const connection: ConnectionResponse = {
  id: HOSTILE,
  username: HOSTILE,
  client_id: HOSTILE,
  client_name: HOSTILE,
  scope: HOSTILE,
  resource: HOSTILE,
  redirect_host: HOSTILE,
  created_at: '2026-11-26T12:00:00.000Z',
  last_used_at: null,
  expires_at: '2026-11-26T12:00:00.000Z',
};
const link: LinkResponse = { url: `http://localhost:3000/${HOSTILE}`, expires_at: '2026-11-26T12:00:00.000Z' };
const revocation: RevocationResponse = { sequence: 1, confirmed: [HOSTILE], pending: [HOSTILE] };
const event: AuditEventResponse = {
  id: 1,
  at: '2026-11-26T12:00:00.000Z',
  actor: HOSTILE,
  action: HOSTILE,
  target: HOSTILE,
  address: HOSTILE,
  request_id: HOSTILE,
  outcome: 'refused',
  detail: { [HOSTILE]: HOSTILE },
};
const key: KeyResponse = {
  kid: HOSTILE,
  alg: 'ES256',
  status: 'next',
  created_at: '2026-11-26T12:00:00.000Z',
  signs_from: '2026-11-26T12:10:00.000Z',
  published_until: null,
  revoked_at: null,
};
const admin: AdminClient = {
  createClient: async () => client,
  listClients: async () => [client],
  getClient: async () => client,
  changeClient: async () => client,
  setKeys: async () => client,
  deleteClient: async () => {},
  rotateSecret: async () => client,
  revoke: async () => revocation,
  getRevocation: async () => revocation,
  inviteUser: async () => link,
  recoverUser: async () => link,
  listUsers: async () => [user],
  getUser: async () => user,
  setUserActive: async () => user,
  deleteUser: async () => user,
  listConnections: async () => [connection],
  revokeConnections: async () => ({ ...revocation, revoked: [HOSTILE] }),
  listKeys: async () => [key],
  rotateKeys: async () => key,
  revokeKey: async () => revocation,
  listAudit: async () => [event],
};

/** The words of each command, the lines that it prints, and the value that it prints with --json. */
const INVOCATIONS: Readonly<Record<string, { words: readonly string[]; lines: number; json: unknown; code?: 1 }>> = {
  'clients create': { words: ['--name', HOSTILE, '--scope', 'admin'], lines: 6, json: client },
  'clients list': { words: [], lines: 1, json: [client] },
  'clients show': { words: ['demo'], lines: 14, json: client },
  'clients disable': { words: ['demo'], lines: 1, json: client },
  'clients enable': { words: ['demo'], lines: 1, json: client },
  'clients delete': { words: [HOSTILE], lines: 1, json: { client_id: HOSTILE, deleted: true } },
  'clients rotate-secret': { words: ['demo'], lines: 6, json: client },
  'clients set-keys': { words: ['demo', '-'], lines: 3, json: client },
  'clients set-scope': { words: ['demo', 'admin'], lines: 1, json: client },
  'users invite': { words: [HOSTILE], lines: 3, json: link },
  'users recover': { words: [HOSTILE], lines: 3, json: link },
  'users list': { words: [], lines: 1, json: [user] },
  'users show': { words: [HOSTILE], lines: 2, json: user },
  'users disable': { words: [HOSTILE], lines: 1, json: user },
  'users enable': { words: [HOSTILE], lines: 1, json: user },
  'users delete': { words: [HOSTILE], lines: 1, json: { ...user, deleted: true } },
  'connections list': { words: [], lines: 1, json: [connection] },
  'connections revoke': { words: [HOSTILE], lines: 2, json: { ...revocation, revoked: [HOSTILE] } },
  // one of two resource servers has not confirmed
  'keys list': { words: [], lines: 1, json: [key] },
  'keys rotate': { words: [], lines: 1, json: key },
  'keys revoke': { words: ['kid', '--wait'], lines: 2, json: revocation, code: 1 },
  'tokens revoke': { words: [HOSTILE, '--wait'], lines: 2, json: revocation, code: 1 },
  audit: { words: ['--limit', '1'], lines: 1, json: [event] },
};

/** Commands without a result of the admin API. */
const OTHERS = [
  'start',
  'migrate',
  'restored',
  'login',
  'logout',
  'doctor',
  'token',
  'todos import',
  'todos export',
  'move',
];

test('every command is tested', () => {
  expect(COMMANDS.map(({ name }) => name).sort()).toEqual([...Object.keys(INVOCATIONS), ...OTHERS].sort());
});

test.each(Object.entries(INVOCATIONS))(
  '%s prints untrusted text safely',
  async (name, { words, lines, json, code = 0 }) => {
    const connectAdmin = async () => ({ admin, storeCredentials: () => undefined });
    const run = (...more: string[]) =>
      runInProcess([...name.split(' '), ...words, ...more], COMMANDS, { connectAdmin, readStdin: () => '{}' });
    const { exitCode, stdout, stderr } = await run();
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: '' });
    expect(stdout).not.toMatch(FORBIDDEN);
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines);
    // within quotes, which cannot be mistaken for columns
    expect(stdout.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')).not.toContain('client.disable');
    const asJson = await run('--json');
    expect(asJson.stdout).not.toMatch(FORBIDDEN);
    expect(JSON.parse(asJson.stdout)).toEqual(json);
  },
);

test('an error with untrusted text is printed safely', async () => {
  const identifier = 'http://localhost:3000';
  const answers: Response[] = [];
  const issuer = createIssuer({
    identifier,
    fetch: async (input) =>
      String(input).includes('.well-known')
        ? Response.json({ issuer: identifier, token_endpoint: `${identifier}/oauth/token` })
        : (answers.shift() ?? new Response(null, { status: 500 })),
  });
  const credentials = { OAUTH_CLIENT_ID: HOSTILE, OAUTH_CLIENT_SECRET: 'secret' };
  const list = () =>
    runInProcess(['clients', 'list'], COMMANDS, {
      connectAdmin: async () => ({
        admin: createAdminClient({ issuer, credentials, source: 'data/admin-client.env' }),
        storeCredentials: () => undefined,
      }),
    });
  const issued = () => Response.json({ access_token: 'a', token_type: 'Bearer' });
  for (const given of [
    [Response.json({ error: 'invalid_scope', error_description: HOSTILE }, { status: 400 })],
    [Response.json({ error: HOSTILE }, { status: 400 })],
    [Response.json({ error: 'invalid_client' }, { status: 401, headers: { 'www-authenticate': 'Basic realm="a"' } })],
    [issued(), Response.json({ detail: HOSTILE }, { status: 400 })],
  ]) {
    answers.push(...given);
    const { exitCode, stdout, stderr } = await list();
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).not.toMatch(FORBIDDEN);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(answers).toEqual([]);
  }
});

test('a failure of any kind is printed safely', async () => {
  const connectAdmin = async () => {
    throw new Error(HOSTILE, { cause: new Error(HOSTILE) });
  };
  const { stderr } = await runInProcess(['audit'], COMMANDS, { connectAdmin, readStdin: () => '{}' });
  expect(stderr).not.toMatch(FORBIDDEN);
});

test('a dry run prints the text of a file safely', async () => {
  const title = `Feed ${HOSTILE}`;
  const file = JSON.stringify([
    { uuid: '1', entry: '20261101T060000Z', status: 'pending', description: title, tags: [title], [title]: 'x' },
  ]);
  const run = (...more: string[]) =>
    runInProcess(['todos', 'import', '-', '--dry-run', ...more], COMMANDS, {
      readStdinBytes: () => Buffer.from(file),
    });
  const { exitCode, stdout } = await run();
  expect(exitCode).toBe(0);
  expect(stdout).not.toMatch(FORBIDDEN);
  expect(stdout.trimEnd().split('\n')).toHaveLength(5);
  const asJson = await run('--json');
  expect(asJson.stdout).not.toMatch(FORBIDDEN);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ todos: [{ title: expect.stringContaining('\u202e') }] });
});

test('the doctor prints the text of a server safely', async () => {
  await using servers = await startTestServers(() => ({
    replies: { 'GET /.well-known/oauth-protected-resource/mcp': { document: { resource: HOSTILE } } },
  }));
  for (const more of [[], ['--json']]) {
    const { exitCode, stdout } = await runInProcess(['doctor', servers.url, ...more], COMMANDS, {
      environment: servers.environment,
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('u{1B}[2J');
    expect(stdout).not.toMatch(FORBIDDEN);
    expect(stdout).not.toMatch(/^ +client\.disable/m);
  }
});
