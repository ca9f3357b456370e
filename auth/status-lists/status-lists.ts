import { setTimeout as delay } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { createWaiting, type Waiting } from '../../shared/http/prefer-wait.ts';
import type { IsRevoked } from '../../shared/resource-server/access-token-verifier.ts';
import { UnknownStatusListError } from '../../shared/resource-server/status-list.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { readCommittedStatus } from './committed-status.ts';
import { parseListUri } from './list-uri.ts';
import { createPublishedLists, type PublishedList, type PublishedLists, type Snapshot } from './published-lists.ts';
import { STATUS_CHANGES_CHANNEL } from './status-changes.ts';
import { createStatusListSigner, type SignedList } from './status-list-signer.ts';

/** How often the database is read for what a broken connection missed. */
const CATCH_UP_INTERVAL_MS = 2_000;

/** The shortest time between two reads of the database for lists that are unknown, which any request can name. */
const UNKNOWN_LIST_INTERVAL_MS = 100;

/** The status lists as this process publishes them. Disposing them ends every waiting request. */
export type StatusLists = AsyncDisposable & {
  readonly snapshot: () => Snapshot;
  /** Whether an index was revoked; false for a list that this process does not publish. */
  readonly isInvalid: (list: number, index: number) => boolean;
  /** Whether the token with this claim was revoked. @throws {UnknownStatusListError} */
  readonly isRevoked: IsRevoked;
  /**
   * Returns the signed list, or undefined when there is no list with this id. Requests for lists that this process does
   * not know share a read of the database, at most one in 100 ms.
   */
  readonly sign: (list: number) => Promise<SignedList | undefined>;
  /** Reads and publishes what was committed before the call, and wakes the waiting requests if something changed. */
  readonly catchUp: () => Promise<void>;
  /** Waits until a condition on what is published holds. */
  readonly waitUntil: Waiting['waitUntil'];
  /** The number of waiting requests, of one group or of all. */
  readonly countWaiting: Waiting['count'];
  readonly commitTimes: PublishedLists['commitTimes'];
  /** Returns the figures for the metrics. `leased` has the number of leased indexes for each list. */
  readonly getStatistics: () => {
    readonly leased: ReadonlyMap<number, number>;
    readonly revocations: number;
    /** Seconds since the revocations were last read from the database. */
    readonly readAge: number;
  };
};

/**
 * Opens the status lists in `database`. Every auth process keeps all lists in memory and publishes what any process
 * commits, also what concerns signing keys. PostgreSQL notifies it of commits, and it reads the database every two seconds in case it missed one.
 */
export async function openStatusLists({
  database,
  em,
  issuer,
  signingKeys,
  logger,
}: {
  database: Database;
  em: SqlEntityManager;
  issuer: string;
  signingKeys: SigningKeys;
  logger: Logger;
}): Promise<StatusLists> {
  const signList = createStatusListSigner({ issuer, signingKeys });
  const lists = createPublishedLists();
  const waiting = createWaiting();
  let currentRead: Promise<void> = Promise.resolve();
  let nextRead: Promise<void> | undefined;
  let sharedRead: Promise<void> | undefined;
  let sharedReadAt = Number.NEGATIVE_INFINITY;
  let readAt = performance.now();

  await using opening = new AsyncDisposableStack();
  const catchUpInBackground = () => {
    catchUp().catch((err) =>
      logger.error({ event: 'status_lists.read_failed', err }, 'cannot read revocations, publishing the last lists'),
    );
  };
  const listener = { notified: catchUpInBackground, interrupted: catchUpInBackground };
  opening.use(await listen(database, STATUS_CHANGES_CHANNEL, listener));
  await catchUp();
  const timer = setInterval(catchUpInBackground, CATCH_UP_INTERVAL_MS);
  opening.defer(() => {
    clearInterval(timer);
    waiting.end();
  });
  const opened = opening.move();

  return {
    snapshot: lists.snapshot,
    isInvalid: (list, index) => lists.byId.get(list)?.bits.isInvalid(index) ?? false,
    async isRevoked({ idx, uri }) {
      const id = parseListUri(issuer, uri) ?? 0;
      const list = lists.byId.get(id) ?? (await readAndFind(id, catchUp));
      if (list === undefined) throw new UnknownStatusListError(uri);
      return list.bits.isInvalid(idx);
    },
    async sign(id) {
      const list = lists.byId.get(id) ?? (await readAndFind(id, shareRead));
      return list && signList(id, list);
    },
    catchUp,
    waitUntil: waiting.waitUntil,
    countWaiting: waiting.count,
    commitTimes: lists.commitTimes,
    getStatistics: () => ({
      leased: new Map([...lists.byId].map(([id, { leased }]) => [id, leased])),
      revocations: [...lists.byId.values()].reduce((sum, { revocations }) => sum + revocations, 0),
      readAge: (performance.now() - readAt) / 1000,
    }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  /** Finds a list that another process may have created since the last read: its tokens must not be rejected. */
  async function readAndFind(id: number, read: () => Promise<void>): Promise<PublishedList | undefined> {
    await read();
    return lists.byId.get(id);
  }

  /** As `catchUp`, for requests of strangers: the calls within an interval share one read that starts after them. */
  function shareRead(): Promise<void> {
    sharedRead ??= delay(Math.max(0, sharedReadAt + UNKNOWN_LIST_INTERVAL_MS - performance.now())).then(() => {
      sharedRead = undefined;
      sharedReadAt = performance.now();
      return catchUp();
    });
    return sharedRead;
  }

  /**
   * Starts a read after the current one, so that it sees what was committed before the call. Concurrent calls share it.
   */
  function catchUp(): Promise<void> {
    nextRead ??= currentRead.then(() => {
      nextRead = undefined;
      const read = readAndPublish();
      currentRead = read.catch(() => undefined);
      return read;
    });
    return nextRead;
  }

  async function readAndPublish(): Promise<void> {
    const startedAt = performance.now();
    const committed = await readCommittedStatus(em, lists.snapshot().sequence, signingKeys.read);
    const hasChanged = lists.apply(committed, signingKeys.ids());
    readAt = startedAt;
    if (hasChanged) waiting.wake();
  }
}
