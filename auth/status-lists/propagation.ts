import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import type { Waiting } from '../../shared/http/prefer-wait.ts';
import type { Peers } from './peers.ts';
import { createAnswers, PropagationMessage, type PropagationState } from './propagation-messages.ts';
import type { Readers } from './readers.ts';

/** How far revocations have propagated, at the readers of every auth process on the database. */
export type Propagation = {
  /** Asks the other processes too. A process that does not answer within a second is itself pending. */
  readonly query: (sequence: number) => Promise<PropagationState>;
  /**
   * The same, after waiting until nothing is pending, for as long as the request prefers (`Prefer: wait`, RFC 7240
   * §4.3), or for `milliseconds`.
   */
  readonly waitUntilConfirmed: (sequence: number, ctx: Context, milliseconds?: number) => Promise<PropagationState>;
};

/** For how long a process waits for the answers of the others. */
const ANSWER_TIMEOUT_MS = 1_000;

/** For how long a process sends changes to the process that asked. This is longer than any request waits. */
const SUBSCRIPTION_LIFETIME_MS = 60_000;

/** A query of this process, and what the other processes have answered so far. */
type PendingQuery = {
  /** Processes that have not answered yet. */
  readonly unanswered: Set<string>;
  /** The newest answer of each process. */
  readonly answers: Map<string, PropagationState>;
  /** The part that has arrived of an answer in several messages. */
  readonly partialAnswers: Map<string, PropagationState>;
  readonly allAnswered: PromiseWithResolvers<void>;
};

/** Another process asked: it gets an answer, and another one after each change. */
type Subscription = { readonly sequence: number; readonly expiresAt: number; lastAnswer: string };

/** Creates the view of how far revocations have propagated. */
export function createPropagation({
  readers,
  peers,
  waiting,
  logger,
}: {
  readers: Pick<Readers, 'findPropagation' | 'onAcknowledgement'>;
  peers: Pick<Peers, 'findPeers' | 'broadcast' | 'onMessage'>;
  waiting: Waiting;
  logger: Logger;
}): Propagation {
  const pendingQueries = new Map<string, PendingQuery>();
  const subscriptions = new Map<string, Subscription>();
  let isAnswering = false;
  let mustAnswerAgain = false;
  peers.onMessage(receive);
  readers.onAcknowledgement(() => {
    waiting.wake();
    void answerSubscriptions();
  });

  return {
    query: (sequence) => withQuery(sequence, async (currentState) => currentState()),
    waitUntilConfirmed: (sequence, ctx, milliseconds) =>
      withQuery(sequence, async (currentState) => {
        await waiting.waitUntil(() => currentState().pending.length === 0, ctx, undefined, milliseconds);
        return currentState();
      }),
  };

  /** Asks the other processes, and keeps their answers up to date until the promise of `use` settles. */
  async function withQuery<T>(sequence: number, use: (currentState: () => PropagationState) => Promise<T>): Promise<T> {
    const question = randomUUID();
    const query: PendingQuery = {
      unanswered: new Set(),
      answers: new Map(),
      partialAnswers: new Map(),
      allAnswered: Promise.withResolvers(),
    };
    pendingQueries.set(question, query);
    try {
      // the revocation is committed, so this reports the failure beside the readers of this process and does not throw
      const failure = await askPeers(question, sequence, query).then(
        () => undefined,
        (err) => {
          logger.warn({ event: 'propagation.query_failed', err }, 'cannot query the other auth processes');
          return 'readers of the other auth processes, which could not be queried';
        },
      );
      return await use(() => merge(readers.findPropagation(sequence), query, failure));
    } finally {
      pendingQueries.delete(question);
    }
  }

  /** Resolves when all processes have answered, or after the timeout. */
  async function askPeers(
    question: string,
    sequence: number,
    { unanswered, allAnswered }: PendingQuery,
  ): Promise<void> {
    for (const peer of await peers.findPeers()) unanswered.add(peer);
    if (unanswered.size === 0) return;
    await peers.broadcast([{ kind: 'question', question, sequence } satisfies PropagationMessage]);
    const answered = new AbortController();
    const timeout = delay(ANSWER_TIMEOUT_MS, undefined, { signal: answered.signal }).catch(() => undefined);
    await Promise.race([allAnswered.promise, timeout]);
    answered.abort();
  }

  function receive(received: unknown, from: string): void {
    const { data: message } = PropagationMessage.safeParse(received);
    // a process of another version may send other messages
    if (message === undefined) return;
    if (message.kind === 'question') {
      const expiresAt = Date.now() + SUBSCRIPTION_LIFETIME_MS;
      subscriptions.set(message.question, { sequence: message.sequence, expiresAt, lastAnswer: '' });
      void answerSubscriptions();
      return;
    }
    const query = pendingQueries.get(message.question);
    if (query === undefined) return;
    const partial = query.partialAnswers.get(from) ?? { confirmed: [], pending: [] };
    partial.confirmed.push(...message.confirmed);
    partial.pending.push(...message.pending);
    query.partialAnswers.set(from, partial);
    if (!message.last) return;
    query.partialAnswers.delete(from);
    query.answers.set(from, partial);
    query.unanswered.delete(from);
    if (query.unanswered.size === 0) query.allAnswered.resolve();
    waiting.wake();
  }

  /**
   * Sends an answer to each subscription whose state has changed. Only one run is active; a call meanwhile repeats it.
   */
  async function answerSubscriptions(): Promise<void> {
    mustAnswerAgain = true;
    if (isAnswering) return;
    isAnswering = true;
    while (mustAnswerAgain) {
      mustAnswerAgain = false;
      const messages = [...subscriptions].flatMap(([question, subscription]) => {
        const state = readers.findPropagation(subscription.sequence);
        if (state.pending.length === 0 || subscription.expiresAt < Date.now()) subscriptions.delete(question);
        const answer = JSON.stringify(state);
        if (answer === subscription.lastAnswer) return [];
        subscription.lastAnswer = answer;
        return createAnswers(question, state);
      });
      if (messages.length > 0) {
        await peers.broadcast(messages).catch((err) => {
          for (const subscription of subscriptions.values()) subscription.lastAnswer = '';
          logger.warn({ event: 'propagation.answer_failed', err }, 'cannot answer another auth process');
        });
      }
    }
    isAnswering = false;
  }
}

/**
 * A reader that requests from several processes has applied a revocation when it has acknowledged it to one of them.
 */
function merge(own: PropagationState, peers: PendingQuery, failure: string | undefined): PropagationState {
  const states = [own, ...peers.answers.values()];
  const confirmed = new Set(states.flatMap((state) => state.confirmed));
  const pending = new Set(states.flatMap((state) => state.pending));
  return {
    confirmed: [...confirmed],
    pending: [
      ...[...pending].filter((name) => !confirmed.has(name)),
      ...[...peers.unanswered].map((peer) => `readers of auth process ${peer}, which did not answer`),
      ...(failure === undefined ? [] : [failure]),
    ],
  };
}
