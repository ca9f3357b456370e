import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createConnectionOptions } from './connection-options.ts';
import type { Database } from './database.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';
import { verifyDelivery } from './notification-delivery.ts';
import { applySessionSettings } from './session-settings.ts';

/** The callbacks of a subscription to a channel. */
export type Listener = {
  /** A notification arrived with this payload. */
  readonly notified: (payload: string) => void;
  /** The connection was lost or restored, so notifications may have been missed. */
  readonly interrupted: (state: 'lost' | 'restored') => void;
};

/** The time between attempts to reconnect. */
const RECONNECT_INTERVAL_MS = 500;

/** The time between probes of the connection, and how long the server may take to answer one. */
const PROBE_INTERVAL_MS = 5_000;

/**
 * Subscribes to `channel` (PostgreSQL's LISTEN) and resolves once every later notification will arrive. A lost connection
 * is reopened until the subscription is disposed. Each connection is used only after a notification has arrived on it.
 * @throws {NotificationsNotDeliveredError} when notifications do not arrive, for example through a connection pooler.
 * @param sessionName the `application_name` of the session, which other sessions can read.
 */
export async function listen(
  database: Database,
  channel: string,
  listener: Listener,
  { sessionName }: { sessionName?: string } = {},
): Promise<AsyncDisposable> {
  if (database.kind === 'embedded') {
    const unlisten = await database.pglite.listen(channel, listener.notified);
    return { [Symbol.asyncDispose]: () => unlisten() };
  }
  const { url } = database;
  const disposed = new AbortController();
  let client = await subscribe();
  return {
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await client.end();
    },
  };

  async function connect(): Promise<pg.Client> {
    const connecting = new pg.Client({
      ...createConnectionOptions(url),
      query_timeout: PROBE_INTERVAL_MS,
      connectionTimeoutMillis: PROBE_INTERVAL_MS,
      stream: () => openSocketWithIdleTimeout(2 * PROBE_INTERVAL_MS),
    });
    connecting.on('error', () => connecting.end());
    try {
      await connecting.connect();
      await applySessionSettings(connecting);
    } catch (error) {
      await connecting.end();
      throw error;
    }
    return connecting;
  }

  async function subscribe(): Promise<pg.Client> {
    const connected = await connect();
    // only a probe detects a connection that broke without an error
    const probe = setInterval(
      () => connected.query('select 1').catch(() => connected.end()),
      PROBE_INTERVAL_MS,
    ).unref();
    try {
      await verifyDelivery(connected, { url, connect });
      connected.on('notification', ({ payload }) => listener.notified(payload ?? ''));
      await connected.query(`listen ${channel}`);
      // set after LISTEN and regardless of the URL: a session that has this name receives notifications
      if (sessionName !== undefined)
        await connected.query("select set_config('application_name', $1, false)", [sessionName]);
    } catch (error) {
      clearInterval(probe);
      await connected.end();
      throw error;
    }
    connected.once('end', () => {
      clearInterval(probe);
      if (!disposed.signal.aborted) void reconnect();
    });
    return connected;
  }

  async function reconnect(): Promise<void> {
    listener.interrupted('lost');
    while (!disposed.signal.aborted) {
      await delay(RECONNECT_INTERVAL_MS, undefined, { ref: false });
      try {
        client = await subscribe();
        if (disposed.signal.aborted) await client.end();
        else listener.interrupted('restored');
        return;
      } catch {
        // the server still cannot be reached
      }
    }
  }
}
