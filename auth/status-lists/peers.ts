import { randomUUID } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import * as z from 'zod';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';

/** The channel on which the auth processes send each other messages (NOTIFY). */
const CHANNEL = 'auth_processes';

/**
 * The PostgreSQL session in which a process listens has this name (`application_name`), followed by the id of the
 * process.
 */
const SESSION_NAME_PREFIX = 'yata auth ';

/** How often a process queries which other processes are listening. */
const REFRESH_INTERVAL_MS = 5_000;

/** A process whose session was not seen for this long has ended. Until then it may be reconnecting. */
const PEER_TIMEOUT_MS = 30_000;

/** The message that a process sends when it ends. */
const GOODBYE = { kind: 'goodbye' } as const;
const Goodbye = z.object({ kind: z.literal(GOODBYE.kind) });

/** The payload of a notification, in JSON. Any role that may connect to the database can send another payload. */
const Envelope = z
  .string()
  .transform((text, refinement): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      refinement.addIssue('JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ from: z.string(), message: z.unknown() }));

/** The other auth processes on the database, its peers. Disposing it says goodbye to them and stops listening. */
export type Peers = AsyncDisposable & {
  /** Returns the ids of the peers: those that listen now, and those that did lately and may be reconnecting. */
  readonly findPeers: () => Promise<string[]>;
  /**
   * Sends messages to every peer, in order. A message has at most 7,900 bytes as JSON, because PostgreSQL limits
   * payloads.
   */
  readonly broadcast: (messages: readonly object[]) => Promise<void>;
  /** Calls `handler` with each later message of a peer and the id of that peer. It replaces the previous handler. */
  readonly onMessage: (handler: MessageHandler) => void;
};

type MessageHandler = (message: unknown, from: string) => void;

/**
 * Opens the messages between the auth processes on `database`. The embedded database has one process, so it has no
 * peers.
 */
export async function openPeers({ database, em }: { database: Database; em: SqlEntityManager }): Promise<Peers> {
  if (database.kind === 'embedded') {
    return { findPeers: async () => [], broadcast: async () => {}, onMessage() {}, async [Symbol.asyncDispose]() {} };
  }
  const id = randomUUID();
  let handler: MessageHandler = () => {};
  const lastSeenAt = new Map<string, number>();
  await using opening = new AsyncDisposableStack();
  // disposed last: the peers stop waiting for this process when they receive it
  opening.defer(() => broadcast([GOODBYE]).catch(() => undefined));
  // a message that is lost with the connection shows as a peer that did not answer
  opening.use(
    await listen(database, CHANNEL, { notified, interrupted() {} }, { sessionName: SESSION_NAME_PREFIX + id }),
  );
  // so that a peer that is reconnecting at the time of a query was seen before
  const refreshing = setInterval(() => refresh().catch(() => undefined), REFRESH_INTERVAL_MS).unref();
  opening.defer(() => clearInterval(refreshing));
  const opened = opening.move();

  return {
    async findPeers() {
      await refresh();
      return [...lastSeenAt.keys()];
    },
    broadcast,
    onMessage(newHandler) {
      handler = newHandler;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  function notified(payload: string): void {
    const { data: envelope } = Envelope.safeParse(payload);
    if (envelope === undefined || envelope.from === id) return;
    if (Goodbye.safeParse(envelope.message).success) lastSeenAt.delete(envelope.from);
    else handler(envelope.message, envelope.from);
  }

  async function refresh(): Promise<void> {
    const sessions = await em
      .fork()
      .execute<{ name: string }[]>(
        'select application_name as name from pg_stat_activity where datname = current_database() and application_name like ?',
        [`${SESSION_NAME_PREFIX}%`],
      );
    const now = Date.now();
    const ids = sessions.map(({ name }) => name.slice(SESSION_NAME_PREFIX.length));
    for (const peer of ids) if (peer !== id) lastSeenAt.set(peer, now);
    for (const [peer, seenAt] of lastSeenAt) if (seenAt < now - PEER_TIMEOUT_MS) lastSeenAt.delete(peer);
  }

  async function broadcast(messages: readonly object[]): Promise<void> {
    const payloads = messages.map((message) => JSON.stringify({ from: id, message }));
    await em
      .fork()
      .execute(
        `select pg_notify('${CHANNEL}', payload) from jsonb_array_elements_text(?::jsonb) with ordinality as messages (payload, ordinal) order by ordinal`,
        [JSON.stringify(payloads)],
      );
  }
}
