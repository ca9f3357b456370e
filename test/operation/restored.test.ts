import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { moveTodosOn } from '../../api/restore/move-todos-on.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { invalidateEverything } from '../../auth/restore/invalidate-everything.ts';
import { findOrCreateKeyEncryptionKeys } from '../../auth/signing-keys/key-encryption-key.ts';
import { StatusClaim } from '../../shared/resource-server/status-list.ts';
import { openAdministration } from '../support/open-administration.ts';
import { openInstallation } from '../support/open-installation.ts';
import { createPerson } from '../support/persons.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { parseTokens, registerPublicClient } from '../support/public-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runYata } from '../support/run-yata.ts';
import { type System, startSystem } from '../support/start-system.ts';

vi.setConfig({ testTimeout: 90_000 });

/** Copies every table and sequence of a schema, as a backup does. @returns a function that restores them. */
async function backUp({ em }: System, schema: string): Promise<() => Promise<void>> {
  const list = (kind: string) =>
    em
      .fork()
      .execute<{ name: string }[]>(
        `select relname as name from pg_class where relnamespace = ?::regnamespace and relkind = '${kind}'`,
        [schema],
      );
  const [tables, sequences] = [await list('r'), await list('S')];
  const values = await Promise.all(
    sequences.map(async ({ name }) => {
      const [row] = await em.fork().execute(`select last_value, is_called from ${schema}.${name}`);
      return { name, ...Object(row) };
    }),
  );
  await em.fork().execute(`create schema backup_${schema}`);
  for (const { name } of tables)
    await em.fork().execute(`create table backup_${schema}.${name} as select * from ${schema}.${name}`);
  return async () => {
    for (const { name } of tables) {
      const columns = await em.fork().execute<{ name: string }[]>(
        `select quote_ident(attname) as name from pg_attribute
         where attrelid = ?::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        [`${schema}.${name}`],
      );
      const listed = columns.map((column) => column.name).join(', ');
      await em.fork().execute(`delete from ${schema}.${name}`);
      await em
        .fork()
        .execute(`insert into ${schema}.${name} (${listed}) select ${listed} from backup_${schema}.${name}`);
    }
    for (const { name, last_value, is_called } of values)
      await em.fork().execute(`select setval('${schema}.${name}', ?, ?)`, [last_value, is_called]);
  };
}

const statusOf = (token: string) => z.object({ status: StatusClaim }).parse(decodeJwt(token)).status.status_list;

test('after a restore nothing is accepted whose revocation was lost, and what is new is accepted', async () => {
  await using system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  const { em, environment } = system;
  const client = await system.registerClient();
  const person = await createPerson(system);
  const assistant = await registerPublicClient(system, { client_name: 'assistant' });
  const connected = await assistant.connect(person);
  const { send, revoke } = await openAdministration(system);
  const useAtApi = async (token: string) => (await requestTodos(system.apiResource, token)).status;
  // one token for each block of indexes, so that the next token of the client takes the next block
  const beforeBackup = await system.getAccessToken(client);
  const todo = await requestTodos(system.apiResource, beforeBackup, { method: 'POST', body: '{"title":"kept"}' });
  const { id } = z.object({ id: z.string() }).parse(await todo.json());
  const restore = [await backUp(system, 'auth'), await backUp(system, 'api')];

  // after the backup: a token is issued and revoked, one of before is revoked, and a connection is taken back
  const afterBackup = await Promise.all(Array.from({ length: 300 }, () => system.getAccessToken(client)));
  const revoked = [beforeBackup, ...afterBackup];
  for (const token of revoked.slice(0, 20)) await revoke(token);
  await revoke(afterBackup.at(-1) ?? '');
  const taken = await send('DELETE', `/connections?client_id=${assistant.id}`);
  expect(taken.status).toBe(200);
  expect((await assistant.refresh(connected.refresh_token)).status).toBe(400);
  await vi.waitFor(async () => expect(await useAtApi(afterBackup.at(-1) ?? '')).toBe(401), { timeout: 10_000 });
  const changed = await requestTodos(system.apiResource, afterBackup[50] ?? '');
  expect(changed.status).toBe(200);
  const path = `${system.apiResource}/todos/${id}`;
  const authorized = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
  const lost = await fetch(path, {
    method: 'PUT',
    headers: authorized(afterBackup[50] ?? ''),
    body: '{"title":"lost"}',
  });
  const lostTag = lost.headers.get('etag') ?? '';
  const feed = await fetch(`${system.apiResource}/todos/changes`, { headers: authorized(afterBackup[50] ?? '') });
  const { next } = z.object({ next: z.string() }).parse(await feed.json());

  await system.stopAuth();
  for (const run of restore) await run();
  // without the command, the revoked token of before would be accepted again: the database knows nothing of it
  expect(await em.fork().execute('select 1 from auth.revocation')).toEqual([]);
  const ended = await invalidateEverything(em, {
    algorithm: 'ES256',
    keyEncryptionKeys: findOrCreateKeyEncryptionKeys(environment.YATA_DATA_DIR ?? ''),
    accessTokenTtl: 3_600,
  });
  expect(ended).toEqual({ keys: 1, connections: 1 });
  await moveTodosOn(em);
  await using _auth = await startAuth(readAuthConfig(environment), system.database);

  // api went on meanwhile: it learns of the keys as of a revocation
  await vi.waitFor(async () => expect(await useAtApi(afterBackup[100] ?? '')).toBe(401), { timeout: 20_000 });
  for (const token of [...revoked.slice(0, 25), connected.access_token]) expect(await useAtApi(token)).toBe(401);
  expect((await assistant.refresh(connected.refresh_token)).status).toBe(400);
  const introspected = await postAsClient(`${system.issuer}/oauth/introspect`, client, { token: beforeBackup });
  expect(await introspected.json()).toEqual({ active: false });

  // a new token gets an index in a list that no process has seen, so the marks of before concern it in no reader
  const token = await system.getAccessToken(client);
  expect(afterBackup.map((issued) => statusOf(issued).uri)).not.toContain(statusOf(token).uri);
  expect(await useAtApi(token)).toBe(200);
  const administration = await openAdministration(system);
  const { sequence } = await administration.revoke(token);
  expect((await administration.confirm(sequence, { seconds: 10 })).pending).toEqual([]);
  expect(await useAtApi(token)).toBe(401);
  const again = await assistant.connect(person);
  expect(parseTokens(await (await assistant.refresh(again.refresh_token)).json())).toBeDefined();

  // who has read the lost change reads the list again, and overwrites nothing by its entity tag
  const reader = await system.getAccessToken(client);
  const changes = await fetch(`${system.apiResource}/todos/changes?since=${next}`, { headers: authorized(reader) });
  expect(changes.status).toBe(410);
  for (let version = 0; version < 2; version++) {
    const stale = await fetch(path, {
      method: 'PUT',
      headers: { ...authorized(reader), 'if-match': lostTag },
      body: '{"title":"overwritten"}',
    });
    expect(stale.status).toBe(412);
    await fetch(path, { method: 'PUT', headers: authorized(reader), body: `{"title":"change ${version}"}` });
  }
});

test('the command works on a stopped installation, and refuses one that runs', async () => {
  await using installation = await openInstallation();
  const { environment } = installation;
  const run = () => runYata(['restored', '--json'], { environment });
  {
    await using running = await installation.start();
    const refused = await run();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(installation.isEmbedded ? /Another process uses/ : /Processes of (auth|api)/);
    expect(await running.end('SIGTERM')).toBe(0);
  }
  const done = await run();
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(done.stdout)).toEqual({ keys: 1, connections: 0, todo_lists: 0 });
  await using _running = await installation.start();
});

test('with another key encryption key the command changes nothing, and says so', async () => {
  await using installation = await openInstallation();
  const { environment } = installation;
  {
    await using running = await installation.start();
    expect(await running.end('SIGTERM')).toBe(0);
  }
  const other = { ...environment, AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const refused = await runYata(['restored', '--json'], { environment: other });
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('AUTH_KEY_ENCRYPTION_KEY') });
  // with the wrong key auth would start neither with the one nor with the other
  await using _running = await installation.start();
});

test('a database into which nothing was restored stays empty', async ({ skip }) => {
  await using installation = await openInstallation();
  skip(installation.isEmbedded, 'the embedded database is a folder');
  const { AUTH_DATABASE_URL: _, ...environment } = installation.environment;
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, stderr } = await runYata(['restored'], { environment });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('The database of api is empty') });
  }
});

test('without a database the command says where it looked, and creates none', async () => {
  await using installation = await openInstallation();
  const { YATA_DATA_DIR } = installation.environment;
  const { code, stderr } = await runYata(['restored'], { environment: { YATA_DATA_DIR } });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(`There is no embedded database in ${YATA_DATA_DIR}`),
  });
  expect((await runYata(['restored'], { environment: { YATA_DATA_DIR } })).code).toBe(1);
});
