import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { describeDatabase } from './connection-options.ts';

/** How long a notification may take to arrive. */
const DELIVERY_TIMEOUT_MS = 5_000;

/**
 * Verifies that notifications arrive at `listening`, a connected client to the database at `url`. The notification comes
 * from another session: a connection pooler may deliver what a session sends to itself.
 * @param connect opens that other session.
 * @throws {NotificationsNotDeliveredError}
 */
export async function verifyDelivery(
  listening: pg.Client,
  { url, connect }: { url: string; connect: () => Promise<pg.Client> },
): Promise<void> {
  const channel = `yata_probe_${randomUUID().replaceAll('-', '')}`;
  const outcome = Promise.withResolvers<'arrived' | 'connection lost' | 'late'>();
  const arrived = (notification: pg.Notification) => {
    if (notification.channel === channel) outcome.resolve('arrived');
  };
  const lost = () => outcome.resolve('connection lost');
  listening.on('notification', arrived).once('end', lost);
  try {
    await listening.query(`listen ${channel}`);
    const sending = await connect();
    await sending.query(`notify ${channel}`).finally(() => sending.end());
    const timeout = setTimeout(() => outcome.resolve('late'), DELIVERY_TIMEOUT_MS);
    const result = await outcome.promise.finally(() => clearTimeout(timeout));
    if (result === 'late') throw new NotificationsNotDeliveredError(url);
    if (result === 'connection lost') throw new Error('Connection terminated');
    await listening.query(`unlisten ${channel}`);
  } finally {
    listening.off('notification', arrived).off('end', lost);
  }
}

/** LISTEN has no effect. A process that does not notice it would keep using what other processes have changed. */
export class NotificationsNotDeliveredError extends Error {
  override readonly name = 'NotificationsNotDeliveredError';

  constructor(url: string) {
    const { database, server } = describeDatabase(url);
    super(
      `No notification (LISTEN, NOTIFY) arrives from the database ${database} at ${server}. A connection pooler in transaction mode, such as PgBouncer with pool_mode=transaction, does not deliver them, and this process would keep using clients and todos that other processes have changed. Use a URL that leads directly to PostgreSQL, or to a pooler in session mode.`,
    );
  }
}
