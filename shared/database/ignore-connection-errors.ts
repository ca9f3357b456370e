import type pg from 'pg';

/**
 * Keeps the process alive when a connection breaks that is in use. The driver rejects the statements that are under way, and
 * also emits the error, which would end the process if nothing listened. The pool itself listens only to idle connections.
 */
export function ignoreConnectionErrors(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
}
