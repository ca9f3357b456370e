import { Socket } from 'node:net';

/**
 * Opens the socket of a PostgreSQL connection that is destroyed when the server sends nothing for `milliseconds`. The
 * waiting query then fails and the pool drops the connection. pg's own `query_timeout` is not used: it returns the
 * connection to the pool while the statement still runs, and loses a ROLLBACK that waits behind it.
 */
export function openSocketWithIdleTimeout(milliseconds: number): Socket {
  const socket = new Socket();
  const message = `the database sent nothing for ${milliseconds / 1000} seconds`;
  socket.setTimeout(milliseconds, () => socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' })));
  return socket;
}
