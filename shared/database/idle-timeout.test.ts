import { once } from 'node:events';
import { createServer } from 'node:net';
import pg from 'pg';
import { expect, test } from 'vitest';
import { getFreePort } from '../testing/free-port.ts';
import { isDatabaseUnavailable } from './database-unavailable.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';

test('a statement without an answer fails, and its connection is not reused', async () => {
  const port = await getFreePort();
  // says that the connection is made, and nothing from then on
  const server = createServer((socket) => {
    socket.once('data', () => socket.write(Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1')));
    socket.on('error', () => {});
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'api', stream: () => openSocketWithIdleTimeout(100) });
  pool.on('error', () => {});
  const failure = await pool.query('select 1').catch((error) => error);
  expect(failure).toMatchObject({ code: 'ETIMEDOUT', message: 'the database sent nothing for 0.1 seconds' });
  expect(isDatabaseUnavailable(failure)).toBe(true);
  expect(pool.totalCount).toBe(0);
  await pool.end();
  server.close();
});
