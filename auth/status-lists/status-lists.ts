import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { importJWK, SignJWT } from 'jose';
import type { Logger } from 'pino';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { createWaiting, type Waiting } from '../../shared/http/prefer-wait.ts';
import type { IsRevoked } from '../../shared/resource-server/access-token-verifier.ts';
import { StatusList, UnknownStatusListError } from '../../shared/resource-server/status-list.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { TOKENS_PER_LIST } from './leases.ts';
import { listUri, parseListUri } from './list-uri.ts';
import { STATUS_CHANGES } from './status-list.entity.ts';

/** Milliseconds between reads that catch what a broken connection missed. */
const CATCH_UP_EVERY = 2_000;

/** Seconds that a reader without a waiting request may keep a list (draft-ietf-oauth-status-list-21 §5.1, `ttl`). */
const TIME_TO_LIVE = 30;

/** Revocations whose time is kept, to tell how long they took to reach the readers. */
const COMMITS_KEPT = 1_000;

/** A signed list as it is sent. */
type SignedList = { readonly entityTag: string; readonly token: string; readonly gzipped: Buffer };

/** What the lists are at a moment: each with the sequence of its last revocation. */
export type Snapshot = { readonly sequence: number; readonly lists: ReadonlyMap<number, number> };

/** The status lists as they are published by this process. Disposing them lets everybody go who waits. */
export type StatusLists = AsyncDisposable & {
  readonly snapshot: () => Snapshot;
  /** Whether a place was revoked; false for a list that is not known, or not any more. */
  readonly isInvalid: (list: number, index: number) => boolean;
  /** The same by the claim of a token. */
  readonly isRevoked: IsRevoked;
  /** The signed list, or undefined when there is none of this id. */
  readonly sign: (list: number) => Promise<SignedList | undefined>;
  /** Reads what was committed since the last time, and wakes those who wait when it was something. */
  readonly catchUp: () => Promise<void>;
  /** What the metrics tell: readers that wait, live lists with their leased indexes, and revocations that are in force. */
  readonly state: () => {
    readonly waiting: number;
    readonly leased: ReadonlyMap<number, number>;
    readonly revocations: number;
  };
  /** Waits until something was published. */
  readonly waitUntil: Waiting['waitUntil'];
  /** When each revocation of the sequences in (after, upTo] was committed, in milliseconds since the epoch. */
  readonly commitTimes: (after: number, upTo: number) => readonly number[];
};

type PublishedList = {
  readonly bits: StatusList;
  readonly expiresAt: number;
  /** Indexes that were leased of it, by any process. */
  leased: number;
  /** Revocations of it. */
  revocations: number;
  sequence: number;
  signed?: Promise<SignedList>;
};

/**
 * Opens the status lists in `database`. Every process keeps all of them in memory, as bits, and publishes what any
 * process commits: it is notified, and looks every two seconds for what a broken connection missed.
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
  const { active } = signingKeys;
  const key = await importJWK(active, active.alg);
  const lists = new Map<number, PublishedList>();
  const waiting = createWaiting();
  const commits: { sequence: number; at: number }[] = [];
  let sequence = 0;
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  await using opening = new AsyncDisposableStack();
  const notified = () => {
    catchUp().catch((err) => logger.error({ err }, 'revocations could not be read'));
  };
  opening.use(await listen(database, STATUS_CHANGES, { notified, interrupted: notified }));
  await catchUp();
  const timer = setInterval(notified, CATCH_UP_EVERY);
  opening.defer(() => {
    clearInterval(timer);
    waiting.end();
  });
  const opened = opening.move();

  return {
    snapshot: () => ({ sequence, lists: new Map([...lists].map(([id, list]) => [id, list.sequence])) }),
    isInvalid: (list, index) => lists.get(list)?.bits.isInvalid(index) ?? false,
    async isRevoked({ idx, uri }) {
      const id = parseListUri(issuer, uri) ?? 0;
      // another process may have made it a moment ago
      if (!lists.has(id)) await catchUp();
      const list = lists.get(id);
      if (list === undefined) throw new UnknownStatusListError(uri);
      return list.bits.isInvalid(idx);
    },
    async sign(id) {
      // a token of a list that was made a moment ago must not be refused because this process has not read of it
      if (!lists.has(id)) await catchUp();
      const list = lists.get(id);
      if (list === undefined) return undefined;
      list.signed ??= signList(id, list);
      return list.signed;
    },
    catchUp,
    state: () => ({
      waiting: waiting.count(),
      leased: new Map([...lists].map(([id, { leased }]) => [id, leased])),
      revocations: [...lists.values()].reduce((sum, { revocations }) => sum + revocations, 0),
    }),
    waitUntil: waiting.waitUntil,
    commitTimes: (after, upTo) =>
      commits.filter((commit) => commit.sequence > after && commit.sequence <= upTo).map(({ at }) => at),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  /** Begins a read after the one that is under way: whatever was committed before the call is published when it ends. */
  function catchUp(): Promise<void> {
    next ??= reading.then(() => {
      next = undefined;
      const read = readAndPublish();
      reading = read.catch(() => undefined);
      return read;
    });
    return next;
  }

  async function readAndPublish(): Promise<void> {
    // revocations first: each list that one of them names was committed before it, and is in what is read then
    const revocations = await em
      .fork()
      .execute<Revocation[]>(
        'select sequence::float8 as sequence, list, start, length, extract(epoch from at)::float8 * 1000 as at from auth.revocation where sequence > ? order by sequence',
        [sequence],
      );
    const listsChanged = await readLists();
    for (const revocation of revocations) {
      const list = lists.get(revocation.list);
      if (list !== undefined) {
        list.bits.invalidate(revocation.start, revocation.length);
        list.sequence = revocation.sequence;
        list.revocations += 1;
        delete list.signed;
      }
      sequence = revocation.sequence;
      commits.push(revocation);
    }
    commits.splice(0, commits.length - COMMITS_KEPT);
    if (listsChanged || revocations.length > 0) waiting.wake();
  }

  async function readLists(): Promise<boolean> {
    const rows = await em
      .fork()
      .execute<{ id: number; leased: number; expiresAt: number }[]>(
        `select id, next_index as leased, extract(epoch from expires_at)::float8 as "expiresAt" from auth.status_list where ${KEPT}`,
      );
    const live = new Set(rows.map(({ id }) => id));
    const retired = [...lists.keys()].filter((id) => !live.has(id));
    const made = rows.filter(({ id }) => !lists.has(id));
    for (const id of retired) lists.delete(id);
    for (const { id, expiresAt } of made) {
      lists.set(id, {
        bits: new StatusList(new Uint8Array(TOKENS_PER_LIST / 8)),
        expiresAt,
        leased: 0,
        revocations: 0,
        sequence: 0,
      });
    }
    for (const { id, leased } of rows) {
      const list = lists.get(id);
      if (list !== undefined) list.leased = leased;
    }
    return retired.length > 0 || made.length > 0;
  }

  async function signList(id: number, { bits, expiresAt, sequence }: PublishedList): Promise<SignedList> {
    const token = await new SignJWT({ sub: listUri(issuer, id), ttl: TIME_TO_LIVE, status_list: bits.encode() })
      .setProtectedHeader({ alg: active.alg, kid: active.kid, typ: 'statuslist+jwt' })
      .setIssuedAt()
      .setExpirationTime(Math.ceil(expiresAt))
      .sign(key);
    return { entityTag: listEntityTag(id, sequence), token, gzipped: await promisify(gzip)(token) };
  }
}

/** Which lists, and leases on them, are kept: a clock somewhere may take a token for good a while longer. */
export const KEPT = "expires_at > now() - interval '1 minute'";

type Revocation = { sequence: number; list: number; start: number; length: number; at: number };

/** Deletes the lists whose tokens have all expired, with their leases and revocations. */
export async function retireStatusLists(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    const expired = `select id from auth.status_list where not (${KEPT})`;
    await transaction.execute(`delete from auth.revocation where list in (${expired})`);
    await transaction.execute(`delete from auth.lease where list in (${expired})`);
    await transaction.execute(`delete from auth.status_list where id in (${expired})`);
  });
}

/** The entity tag of a list after the revocation `sequence`, the same in every process. */
export function listEntityTag(list: number, sequence: number): string {
  return `"${list}-${sequence}"`;
}
