import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Database } from './database.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';

/** What is told to a listener of a channel. */
export type Listener = {
  /** A notification arrived with this payload. */
  readonly notified: (payload: string) => void;
  /** The connection was lost, or is back: notifications may have been missed. */
  readonly interrupted: (state: 'lost' | 'restored') => void;
};

/** Milliseconds between attempts to connect again. */
const RECONNECT_AFTER = 500;

/** Milliseconds between looks at whether the server is still there, and that it has to answer. */
const PROBE_EVERY = 5_000;

/**
 * Listens to `channel` (PostgreSQL's LISTEN) and resolves once every later notification will arrive. A connection that
 * is lost is opened again until the subscription is disposed.
 * @param sessionName what others on the server see the session called (`application_name`).
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
  let client = await connect();
  return {
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await client.end();
    },
  };

  async function connect(): Promise<pg.Client> {
    const connected = new pg.Client({
      connectionString: url,
      query_timeout: PROBE_EVERY,
      connectionTimeoutMillis: PROBE_EVERY,
      stream: () => openSocketWithIdleTimeout(2 * PROBE_EVERY),
    });
    // a connection that breaks without a word is only noticed by asking
    const probe = setInterval(() => connected.query('select 1').catch(() => connected.end()), PROBE_EVERY).unref();
    connected.on('notification', ({ payload }) => listener.notified(payload ?? ''));
    connected.on('error', () => connected.end());
    try {
      await connected.connect();
      await connected.query(`listen ${channel}`);
      // only now, and whatever the URL says: who finds the name can rely on being heard
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
      await delay(RECONNECT_AFTER, undefined, { ref: false });
      try {
        client = await connect();
        if (disposed.signal.aborted) await client.end();
        else listener.interrupted('restored');
        return;
      } catch {
        // the server is still away
      }
    }
  }
}
