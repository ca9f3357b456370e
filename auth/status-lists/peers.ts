import { randomUUID } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import * as z from 'zod';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';

/** The channel on which the processes talk. */
const CHANNEL = 'auth_processes';

/** What the session is called on which a process hears the others; its id follows. */
const SESSION = 'yata auth ';

/** Milliseconds between looks at who is there, and after which one that was not seen is gone. */
const LOOK_EVERY = 5_000;
const GONE_AFTER = 30_000;

/** What a process says that ends. */
const GOODBYE = { kind: 'goodbye' } as const;
const Goodbye = z.object({ kind: z.literal(GOODBYE.kind) });

/** What is told, in JSON; whoever may use the database can send something else. */
const Told = z
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

/** The auth processes on one database, which can tell each other things. Disposing it ends the hearing. */
export type Peers = AsyncDisposable & {
  /** The ids of the others: those that hear, and those that did a moment ago and may be connecting again. */
  readonly findPeers: () => Promise<string[]>;
  /** Tells every other process these messages, in order. Each has at most 7,900 bytes as JSON, which is PostgreSQL's limit. */
  readonly broadcast: (messages: readonly object[]) => Promise<void>;
  /** Hands what others tell to `hearer` from now on, each with the id of who told it. */
  readonly onMessage: (hearer: Hearer) => void;
};

type Hearer = (message: unknown, from: string) => void;

/** Opens what the auth processes on `database` tell each other. On the embedded database there is one alone. */
export async function openPeers({ database, em }: { database: Database; em: SqlEntityManager }): Promise<Peers> {
  if (database.kind === 'embedded') {
    return { findPeers: async () => [], broadcast: async () => {}, onMessage() {}, async [Symbol.asyncDispose]() {} };
  }
  const id = randomUUID();
  let hearer: Hearer = () => {};
  const heardAt = new Map<string, number>();
  await using opening = new AsyncDisposableStack();
  // the last thing: nobody waits for a process that has said that it ends
  opening.defer(() => broadcast([GOODBYE]).catch(() => undefined));
  // what is missed while the connection is lost is noticed by who waits for an answer
  opening.use(await listen(database, CHANNEL, { notified, interrupted() {} }, { sessionName: SESSION + id }));
  // a process that is connecting again when somebody asks was there the last time
  const looking = setInterval(() => look().catch(() => undefined), LOOK_EVERY).unref();
  opening.defer(() => clearInterval(looking));
  const opened = opening.move();

  return {
    async findPeers() {
      await look();
      return [...heardAt.keys()];
    },
    broadcast,
    onMessage(next) {
      hearer = next;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  function notified(payload: string): void {
    const { data: told } = Told.safeParse(payload);
    if (told === undefined || told.from === id) return;
    if (Goodbye.safeParse(told.message).success) heardAt.delete(told.from);
    else hearer(told.message, told.from);
  }

  async function look(): Promise<void> {
    const sessions = await em
      .fork()
      .execute<{ name: string }[]>(
        'select application_name as name from pg_stat_activity where datname = current_database() and application_name like ?',
        [`${SESSION}%`],
      );
    const now = Date.now();
    const ids = sessions.map(({ name }) => name.slice(SESSION.length));
    for (const other of ids) if (other !== id) heardAt.set(other, now);
    for (const [other, at] of heardAt) if (at < now - GONE_AFTER) heardAt.delete(other);
  }

  async function broadcast(messages: readonly object[]): Promise<void> {
    const payloads = messages.map((message) => JSON.stringify({ from: id, message }));
    await em
      .fork()
      .execute(
        `select pg_notify('${CHANNEL}', payload) from jsonb_array_elements_text(?::jsonb) with ordinality as told (payload, place) order by place`,
        [JSON.stringify(payloads)],
      );
  }
}
