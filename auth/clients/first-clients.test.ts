import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { createClientSecret, hashClientSecret } from './client-secret.ts';
import { registerFirstClients } from './first-clients.ts';

async function open() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const { em } = opening.use(await openOrm(opening.use(await openTestDatabase()), authDatabase));
  const opened = opening.move();
  return {
    start: (host: string, { api, mcp }: { api?: string; mcp?: string | [string, string] } = {}) =>
      registerFirstClients({
        em,
        issuer: `https://auth.${host}`,
        apiResource: `https://api.${host}`,
        mcpResource: `https://mcp.${host}`,
        dataDirectory: directory.path,
        secrets: { api: api === undefined ? api : [api], mcp: typeof mcp === 'string' ? [mcp] : mcp },
      }),
    execute: (sql: string) => em.fork().execute(sql),
    clients: () =>
      em.fork().execute('select client_id, resources, resource_server from auth.client order by client_id'),
    events: () => em.fork().execute('select action, target from auth.audit_event order by id'),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const clientsAt = (host: string) => [
  { client_id: 'admin', resources: [`https://auth.${host}/admin`], resource_server: null },
  { client_id: 'api', resources: [], resource_server: `https://api.${host}` },
  { client_id: 'demo', resources: [`https://api.${host}`, `https://mcp.${host}`], resource_server: null },
  { client_id: 'mcp', resources: [`https://api.${host}`], resource_server: `https://mcp.${host}` },
  { client_id: 'yata', resources: [`https://api.${host}`, `https://mcp.${host}`], resource_server: null },
];
const created = ['admin', 'demo', 'mcp', 'api', 'yata'].map((target) => ({ action: 'client.create', target }));

test('the first clients are registered once, and their resources follow the addresses of the services', async () => {
  await using opened = await open();
  for (let start = 0; start < 2; start += 1) {
    await opened.start('one.example');
    expect(await opened.clients()).toEqual(clientsAt('one.example'));
    expect(await opened.events()).toEqual(created);
  }
  await opened.start('two.example');
  expect(await opened.clients()).toEqual(clientsAt('two.example'));
  const changed = ['admin', 'demo', 'api', 'mcp', 'yata'].map((target) => ({ action: 'client.change', target }));
  expect(await opened.events()).toEqual([...created, ...changed]);
});

test('changes of an administrator stay, and a deleted client is not registered again', async () => {
  await using opened = await open();
  await opened.start('one.example');
  await opened.execute("update auth.client set resources = '{https://api.one.example}' where client_id = 'demo'");
  await opened.execute("update auth.client set resource_server = null where client_id = 'mcp'");
  await opened.execute("delete from auth.client where client_id = 'admin'");
  await opened.start('one.example');
  expect(await opened.clients()).toEqual([
    { client_id: 'api', resources: [], resource_server: 'https://api.one.example' },
    { client_id: 'demo', resources: ['https://api.one.example'], resource_server: null },
    { client_id: 'mcp', resources: ['https://api.one.example'], resource_server: null },
    { client_id: 'yata', resources: ['https://api.one.example', 'https://mcp.one.example'], resource_server: null },
  ]);
  expect(await opened.events()).toEqual(created);
});

test('a given secret becomes the secret of the resource server, and the audit records the change', async () => {
  await using opened = await open();
  const [api, mcp] = [createClientSecret(), createClientSecret()];
  await opened.start('one.example', { api, mcp });
  await opened.start('one.example', { api, mcp });
  expect(await opened.events()).toEqual(created);
  await opened.start('one.example', { api: createClientSecret(), mcp: createClientSecret() });
  const rotated = ['api', 'mcp'].map((target) => ({ action: 'client.rotate-secret', target }));
  expect(await opened.events()).toEqual([...created, ...rotated]);
  for (const clientId of ['api', 'mcp'])
    expect(await opened.execute(`select 1 from auth.client_secret where client_id = '${clientId}'`)).toHaveLength(1);
});

test('while the secret of a client changes, the old and the new one are both its secrets', async () => {
  await using opened = await open();
  const secrets = async () => {
    const rows = await opened.execute("select hash from auth.client_secret where client_id = 'mcp'");
    return new Set(rows.map((row) => String(row.hash)));
  };
  const hashes = (...given: string[]) => new Set(given.map(hashClientSecret));
  const [old, next] = [createClientSecret(), createClientSecret()];
  await opened.start('one.example', { mcp: [old, next] });
  expect(await secrets()).toEqual(hashes(old, next));
  await opened.start('one.example', { mcp: old });
  expect(await secrets()).toEqual(hashes(old));
  await opened.start('one.example', { mcp: [next, old] });
  expect(await secrets()).toEqual(hashes(old, next));
  await opened.start('one.example', { mcp: next });
  expect(await secrets()).toEqual(hashes(next));
  // a process that was started with neither of them
  await opened.start('one.example', { mcp: old });
  expect(await secrets()).toEqual(hashes(old));
});

test('a start ends no overlap that an administrator began', async () => {
  await using opened = await open();
  const [old, next] = [createClientSecret(), createClientSecret()];
  await opened.start('one.example', { mcp: old });
  // as `clients rotate-secret mcp --overlap 1h` does
  await opened.execute("update auth.client_secret set expires_at = now() + interval '1h' where client_id = 'mcp'");
  await opened.execute(`insert into auth.client_secret (hash, client_id) values ('${hashClientSecret(next)}', 'mcp')`);
  for (const mcp of [old, next]) {
    await opened.start('one.example', { mcp });
    expect(await opened.execute("select 1 from auth.client_secret where client_id = 'mcp'")).toHaveLength(2);
  }
  expect(await opened.events()).toHaveLength(5);
});

test('the secret of another client is rejected', async () => {
  await using opened = await open();
  const [api, mcp] = [createClientSecret(), createClientSecret()];
  await opened.start('one.example', { api, mcp });
  await expect(opened.start('one.example', { mcp: [mcp, api] })).rejects.toThrow(
    'MCP_CLIENT_SECRET is the secret of the client api.',
  );
});

test('an installation of an earlier version gets the client of the todo API at its next start', async () => {
  await using opened = await open();
  await opened.start('one.example');
  for (const table of ['client', 'client_secret'])
    await opened.execute(`delete from auth.${table} where client_id = 'api'`);
  const secret = createClientSecret();
  await opened.start('one.example', { api: secret });
  expect(await opened.clients()).toEqual(clientsAt('one.example'));
  expect(await opened.execute("select hash from auth.client_secret where client_id = 'api'")).toEqual([
    { hash: hashClientSecret(secret) },
  ]);
});

test('a client api that an administrator registered for another purpose stays as it is', async () => {
  await using opened = await open();
  await opened.start('one.example');
  await opened.execute(
    "update auth.client set resource_server = null, resources = '{https://other.example}' where client_id = 'api'",
  );
  const before = await opened.execute("select hash from auth.client_secret where client_id = 'api'");
  await opened.start('two.example', { api: createClientSecret() });
  expect(await opened.clients()).toContainEqual({
    client_id: 'api',
    resources: ['https://other.example'],
    resource_server: null,
  });
  expect(await opened.execute("select hash from auth.client_secret where client_id = 'api'")).toEqual(before);
});
