import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Waiting } from '../../shared/http/prefer-wait.ts';
import type { Peers } from './peers.ts';
import type { Readers } from './readers.ts';

/** How far a revocation has come: the readers that have applied it, and those that have not said so yet. */
type Confirmation = { readonly confirmed: string[]; readonly pending: string[] };

/** Tells how far a revocation has come, at the readers of every auth process on the database. */
export type Propagation = {
  /** Asks the other peers too. One that does not answer within a second is itself pending. */
  readonly find: (sequence: number) => Promise<Confirmation>;
  /** The same, after waiting as the request prefers until nobody is pending (RFC 7240 §4.3). */
  readonly waitFor: (sequence: number, ctx: Context) => Promise<Confirmation>;
  /** A reader of this process has applied something. */
  readonly acknowledged: () => void;
};

/** Milliseconds that another process has to answer. */
const SILENT_AFTER = 1_000;

/** Milliseconds for which who asked is told what changes: longer than anybody waits. */
const ANSWER_FOR = 60_000;

/** Names that fit into one message, each of 200 letters at the most. */
const NAMES_AT_ONCE = 15;

const Message = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('question'), question: z.string(), sequence: z.number() }),
  z.object({
    kind: z.literal('answer'),
    question: z.string(),
    confirmed: z.array(z.string()),
    pending: z.array(z.string()),
    last: z.boolean(),
  }),
]);
type Message = z.infer<typeof Message>;

/** A question of another process: what it was answered last is not told it again. */
type Heard = { readonly sequence: number; readonly until: number; answered: string };

/** A question of this process, and what the others have answered so far. */
type Asked = {
  readonly silent: Set<string>;
  readonly confirmed: Set<string>;
  readonly pending: Set<string>;
  readonly allAnswered: PromiseWithResolvers<void>;
};

/** Creates the view of how far revocations have come. */
export function createPropagation({
  readers,
  peers,
  waiting,
  logger,
}: {
  readers: Pick<Readers, 'confirmations'>;
  peers: Pick<Peers, 'findPeers' | 'broadcast' | 'onMessage'>;
  waiting: Waiting;
  logger: Logger;
}): Propagation {
  const asked = new Map<string, Asked>();
  const heard = new Map<string, Heard>();
  let answering = false;
  let answerAgain = false;
  peers.onMessage(hear);

  return {
    find: (sequence) => ask(sequence, async (confirmation) => confirmation()),
    waitFor: (sequence, ctx) =>
      ask(sequence, async (confirmation) => {
        await waiting.waitUntil(() => confirmation().pending.length === 0, ctx);
        return confirmation();
      }),
    acknowledged() {
      waiting.wake();
      void answer();
    },
  };

  /** Asks the other peers, and lets `use` look at what is known for as long as it takes. */
  async function ask<T>(sequence: number, use: (confirmation: () => Confirmation) => Promise<T>): Promise<T> {
    const question = randomUUID();
    const answers: Asked = {
      silent: new Set(),
      confirmed: new Set(),
      pending: new Set(),
      allAnswered: Promise.withResolvers(),
    };
    asked.set(question, answers);
    try {
      // what is revoked is revoked: that the others cannot be asked is told beside it
      const failure = await askOthers(question, sequence, answers).then(
        () => undefined,
        (err) => {
          logger.warn({ err }, 'the other auth peers could not be asked');
          return 'the readers of other auth peers, which could not be asked';
        },
      );
      return await use(() => merge(readers.confirmations(sequence), answers, failure));
    } finally {
      asked.delete(question);
    }
  }

  /** Resolves when all have answered, or one of them is silent for too long. */
  async function askOthers(question: string, sequence: number, { silent, allAnswered }: Asked): Promise<void> {
    for (const other of await peers.findPeers()) silent.add(other);
    if (silent.size === 0) return;
    await peers.broadcast([{ kind: 'question', question, sequence } satisfies Message]);
    const late = new AbortController();
    const patience = delay(SILENT_AFTER, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([allAnswered.promise, patience]);
    late.abort();
  }

  function hear(told: unknown, from: string): void {
    const { data: message } = Message.safeParse(told);
    // a process of another version may say more
    if (message === undefined) return;
    if (message.kind === 'question') {
      heard.set(message.question, { sequence: message.sequence, until: Date.now() + ANSWER_FOR, answered: '' });
      void answer();
      return;
    }
    const answers = asked.get(message.question);
    if (answers === undefined) return;
    for (const name of message.confirmed) answers.confirmed.add(name);
    for (const name of message.pending) answers.pending.add(name);
    if (message.last) answers.silent.delete(from);
    if (answers.silent.size === 0) answers.allAnswered.resolve();
    waiting.wake();
  }

  /** Answers what is asked, again and again while there is something new. */
  async function answer(): Promise<void> {
    answerAgain = true;
    if (answering) return;
    answering = true;
    while (answerAgain) {
      answerAgain = false;
      const messages = [...heard].flatMap(([question, asking]) => {
        const confirmation = readers.confirmations(asking.sequence);
        if (confirmation.pending.length === 0 || asking.until < Date.now()) heard.delete(question);
        const news = JSON.stringify(confirmation);
        if (news === asking.answered) return [];
        asking.answered = news;
        return answerMessages(question, confirmation);
      });
      if (messages.length > 0) {
        await peers.broadcast(messages).catch((err) => {
          for (const asking of heard.values()) asking.answered = '';
          logger.warn({ err }, 'another auth process got no answer');
        });
      }
    }
    answering = false;
  }

  function answerMessages(question: string, { confirmed, pending }: Confirmation): Message[] {
    const names = [
      ...confirmed.map((name) => ({ name, applied: true })),
      ...pending.map((name) => ({ name, applied: false })),
    ];
    const count = Math.max(1, Math.ceil(names.length / NAMES_AT_ONCE));
    return Array.from({ length: count }, (_, i) => {
      const some = names.slice(i * NAMES_AT_ONCE, (i + 1) * NAMES_AT_ONCE);
      return {
        kind: 'answer',
        question,
        confirmed: some.filter(({ applied }) => applied).map(({ name }) => name),
        pending: some.filter(({ applied }) => !applied).map(({ name }) => name),
        last: i === count - 1,
      };
    });
  }
}

/** A reader that asks several peers has applied what it has told any of them. */
function merge(own: Confirmation, others: Asked, failure: string | undefined): Confirmation {
  const confirmed = new Set([...own.confirmed, ...others.confirmed]);
  const pending = new Set([...own.pending, ...others.pending]);
  return {
    confirmed: [...confirmed],
    pending: [
      ...[...pending].filter((name) => !confirmed.has(name)),
      ...[...others.silent].map((process) => `the readers of auth process ${process}, which does not answer`),
      ...(failure === undefined ? [] : [failure]),
    ],
  };
}
