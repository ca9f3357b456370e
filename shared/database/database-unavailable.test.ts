import { createServer } from 'node:net';
import { defineEntity, p } from '@mikro-orm/core';
import pg from 'pg';
import { expect, test } from 'vitest';
import { getFreePort } from '../testing/free-port.ts';
import { isDatabaseUnavailable } from './database-unavailable.ts';
import { openOrm } from './orm.ts';

const Thing = defineEntity({ name: 'Thing', properties: { id: p.uuid().primary() } });
const definition = { schema: 'api', entities: [Thing], migrations: [] };
const withCode = (code: string) => Object.assign(new Error('failed'), { code });

test.each(['08006', '57P01', '57P03', '57014', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT'])(
  'the database is unavailable when the code is %s',
  (code) => {
    expect(isDatabaseUnavailable(withCode(code))).toBe(true);
    expect(isDatabaseUnavailable(new Error('select 1', { cause: withCode(code) }))).toBe(true);
  },
);

test.each(['23505', '42P01', '22P02', 'ENOENT', 'ERR_INVALID_ARG_TYPE'])(
  'the database is available when the code is %s',
  (code) => {
    expect(isDatabaseUnavailable(withCode(code))).toBe(false);
  },
);

test('a pool without a free connection counts as unavailable', async () => {
  await using silent = await listenSilently();
  const pool = new pg.Pool({ host: '127.0.0.1', port: silent.port, max: 1, connectionTimeoutMillis: 50 });
  const [first, second] = [pool.query('select 1').catch(String), pool.query('select 1').catch((error) => error)];
  expect(isDatabaseUnavailable(await second)).toBe(true);
  await first;
});

test('a database that cannot be reached is named by its variable, without the password', async () => {
  const url = `postgresql://api:hunter2@127.0.0.1:${await getFreePort()}/todos`;
  const opened = openOrm({ kind: 'postgresql', url }, definition);
  await expect(opened).rejects.toThrow(
    /^API_DATABASE_URL: cannot connect to the database "todos" at 127\.0\.0\.1:\d+$/,
  );
  await expect(opened).rejects.not.toThrow(/hunter2/);
  await expect(opened).rejects.toSatisfy(isDatabaseUnavailable);
});

test('a server that does not answer is given up after a timeout', async () => {
  await using silent = await listenSilently();
  const url = `postgresql://api@127.0.0.1:${silent.port}/api`;
  await expect(openOrm({ kind: 'postgresql', url }, definition)).rejects.toThrow(/^API_DATABASE_URL/);
}, 10_000);

async function listenSilently() {
  const server = createServer((socket) => socket.on('error', () => {}));
  const port = await getFreePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
