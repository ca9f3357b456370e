import { Socket } from 'node:net';

/**
 * Makes the socket of a PostgreSQL connection that breaks when the server says nothing for `milliseconds`: whoever waits
 * for it learns of it, and the pool drops the connection. (pg's own `query_timeout` keeps the connection, with the
 * statement still running on it, and forgets a ROLLBACK that waited behind it.)
 */
export function openSocketWithIdleTimeout(milliseconds: number): Socket {
  const socket = new Socket();
  const silence = `the database said nothing for ${milliseconds / 1000} seconds`;
  socket.setTimeout(milliseconds, () => socket.destroy(Object.assign(new Error(silence), { code: 'ETIMEDOUT' })));
  return socket;
}
