import pg from 'pg';
import { expect, test } from 'vitest';
import { openAdministration } from '../support/open-administration.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startSecond } from '../support/start-second.ts';
import { startSystem } from '../support/start-system.ts';

test('every auth process reports the confirmations of the readers of all processes', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  await using second = await startSecond(system);
  const { revoke, confirm } = await openAdministration(system);
  const client = await system.registerClient();
  for (const origin of [system.issuer, second.url]) {
    const token = await system.getAccessToken(client);
    const use = async () => (await requestTodos(second.apiResource, token)).status;
    expect(await use()).toBe(200);
    const revoked = await revoke(token, origin);
    expect(revoked.confirmed.length + revoked.pending.length).toBe(4);
    const { confirmed, pending } = await confirm(revoked.sequence, { seconds: 5, origin });
    expect(pending).toEqual([]);
    expect(confirmed.map((reader) => reader.split(' ')[0]).toSorted()).toEqual(['api', 'api', 'mcp', 'mcp']);
    // the readers have confirmed the revocation, so it is already in effect: no need to poll
    expect(await use()).toBe(401);
  }
});

test('a slow reader of another process, and a process that does not answer, are pending', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  await using second = await startSecond(system);
  const { revoke, confirm } = await openAdministration(system);
  const token = await system.getAccessToken(await system.registerClient());
  const slow = await system.registerClient({ clientId: 'slow', resourceServer: 'http://slow.example' });
  const readAs = async (reader: string, known: string) => {
    const authorization = basicAuthorization(slow);
    const headers = { authorization, 'status-list-reader': reader, 'if-none-match': known };
    return (await fetch(`${second.url}/oauth/status-lists`, { headers })).headers.get('etag') ?? '';
  };
  const known = await readAs('one', '');
  await readAs('one', known);
  const { sequence } = await revoke(token);
  expect((await confirm(sequence, { seconds: 1 })).pending).toEqual(['slow (one)']);
  const waiting = confirm(sequence, { seconds: 10 });
  await readAs('one', await readAs('one', known));
  expect(await waiting).toMatchObject({ pending: [], confirmed: expect.arrayContaining(['slow (one)']) });

  const { url: connectionString } = system.database.kind === 'postgresql' ? system.database : { url: '' };
  const silent = new pg.Client({ connectionString, application_name: 'yata auth that-hangs' });
  await silent.connect();
  expect((await confirm(sequence, { seconds: 1 })).pending).toEqual([
    'readers of auth process that-hangs, which did not answer',
  ]);
  // a payload that is not a message ends no process
  await silent.query("select pg_notify('auth_processes', 'garbage')");
  await silent.query(
    `select pg_notify('auth_processes', '{"from":"that-hangs","message":{"kind":"goodbye"}}'), set_config('application_name', 'x', false)`,
  );
  await silent.end();
  await expect.poll(async () => (await confirm(sequence, { seconds: 1 })).pending).toEqual([]);
});

test('a process that is reconnecting is pending, and a process that has ended is not', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  const { revoke, confirm } = await openAdministration(system);
  const token = await system.getAccessToken(await system.registerClient());
  const { url: connectionString } = system.database.kind === 'postgresql' ? system.database : { url: '' };
  const operator = new pg.Client({ connectionString });
  await operator.connect();
  const { sequence } = await (async () => {
    await using _second = await startSecond(system);
    const revoked = await revoke(token);
    await expect.poll(async () => (await confirm(revoked.sequence, { seconds: 1 })).pending).toEqual([]);
    // the process reconnects after half a second, and its readers are still connected
    await operator.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'yata auth %' and datname = current_database()",
    );
    expect((await confirm(revoked.sequence, { seconds: 1 })).pending).toEqual([
      expect.stringMatching(/^readers of auth process .*, which did not answer$/),
    ]);
    await expect.poll(async () => (await confirm(revoked.sequence, { seconds: 1 })).pending).toEqual([]);
    return revoked;
  })();
  await expect.poll(async () => (await confirm(sequence, { seconds: 1 })).pending).toEqual([]);
  await operator.end();
});
