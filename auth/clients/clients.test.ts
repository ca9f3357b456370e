import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { hashClientSecret } from './client-secret.ts';
import { type NewClient, openClients } from './clients.ts';

const client: NewClient = {
  clientId: 'program',
  name: 'A program',
  scopes: ['todos:read'],
  resources: ['http://api.example'],
  resourceServer: null,
  tokenEndpointAuthMethod: 'client_secret_basic',
  secretHash: hashClientSecret('a secret of many letters'),
  jwks: null,
};

const { secretHash, ...stored } = client;

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const here = opening.use(await openOrm(database, authDatabase, { poolSize: 2 }));
  const elsewhere = opening.use(await openOrm(database, authDatabase, { poolSize: 2 }));
  const clients = opening.use(await openClients({ database, em: here.em }));
  const opened = opening.move();
  return {
    database,
    clients,
    here: here.em,
    elsewhere: elsewhere.em,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('concurrent reads of a client cause one read of the database', async () => {
  await using opened = await open();
  await opened.clients.register(client);
  const fork = vi.spyOn(opened.here, 'fork');
  const found = await Promise.all(Array.from({ length: 20 }, () => opened.clients.find('program')));
  expect(found).toEqual(
    Array(20).fill(expect.objectContaining({ ...stored, secrets: [{ hash: secretHash, expiresAt: null }] })),
  );
  expect(fork).toHaveBeenCalledTimes(1);
});

test('a change by another process, also with SQL, removes the client from the cache', async () => {
  await using opened = await open();
  await opened.clients.register(client);
  expect(await opened.clients.find('program')).toMatchObject({ scopes: ['todos:read'] });
  await opened.elsewhere.execute(`update auth.client set scopes = '{todos:write}' where client_id = 'program'`);
  await vi.waitFor(
    async () => expect(await opened.clients.find('program')).toMatchObject({ scopes: ['todos:write'] }),
    10_000,
  );
  await opened.elsewhere.execute(`delete from auth.client where client_id = 'program'`);
  await vi.waitFor(async () => expect(await opened.clients.find('program')).toBeUndefined(), 10_000);
});

test('a disabled client is not found until it is enabled again, and is cached like any other', async () => {
  await using opened = await open();
  await opened.clients.register(client);
  await opened.here.execute(`update auth.client set active = false where client_id = 'program'`);
  await vi.waitFor(async () => expect(await opened.clients.find('program')).toBeUndefined(), 10_000);
  const fork = vi.spyOn(opened.here, 'fork');
  // the notification of the change may arrive after the first search
  await vi.waitFor(async () => {
    fork.mockClear();
    expect(await opened.clients.find('program')).toBeUndefined();
    expect(fork).not.toHaveBeenCalled();
  }, 10_000);
  await opened.elsewhere.execute(`update auth.client set active = true where client_id = 'program'`);
  await vi.waitFor(async () => expect(await opened.clients.find('program')).toBeDefined(), 10_000);
});

test('a client is found when it is registered after an unsuccessful search', async () => {
  await using opened = await open();
  expect(await opened.clients.find('program')).toBeUndefined();
  await opened.clients.register(client);
  expect(await opened.clients.find('program')).toMatchObject({ clientId: 'program' });
});

test('while the process cannot receive notifications it caches nothing', async ({ skip }) => {
  await using opened = await open();
  skip(opened.database.kind === 'embedded', 'the embedded database has no connection to lose');
  await opened.clients.register(client);
  await opened.clients.find('program');
  const fork = vi.spyOn(opened.here, 'fork');
  // cut the connection that listens and change the client before it is back; repeat if that took too long
  let change = 0;
  await vi.waitFor(async () => {
    change += 1;
    await opened.elsewhere.execute(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()`,
    );
    await opened.elsewhere.execute(`update auth.client set name = 'change ${change}' where client_id = 'program'`);
    await delay(20);
    fork.mockClear();
    for (let look = 0; look < 2; look += 1)
      expect(await opened.clients.find('program')).toMatchObject({ name: `change ${change}` });
    expect(fork).toHaveBeenCalledTimes(2);
  }, 10_000);
  // once it receives notifications again, it caches again
  await vi.waitFor(
    async () => {
      await opened.clients.find('program');
      fork.mockClear();
      await opened.clients.find('program');
      expect(fork).not.toHaveBeenCalled();
    },
    { timeout: 10_000 },
  );
});

test('the database rejects a client without scopes, and one whose keys do not fit its authentication method', async () => {
  await using opened = await open();
  await expect(opened.clients.register({ ...client, scopes: [] })).rejects.toThrow(/client_scopes_check/);
  await expect(opened.clients.register({ ...client, jwks: { keys: [] } })).rejects.toThrow(/client_credential_check/);
});
