import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { errors, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import * as z from 'zod';
import { ServiceUnavailableError } from '../http/errors.ts';
import { SIGNATURE_ALGORITHMS } from './access-token-claims.ts';
import type { IsRevoked } from './access-token-verifier.ts';
import type { Issuer } from './issuer.ts';
import { StatusList, UnknownStatusListError } from './status-list.ts';

/** The status lists of an issuer as a resource server keeps them. Disposing them ends the waiting request. */
export type StatusListReader = AsyncDisposable & {
  readonly isRevoked: IsRevoked;
  /** Resolves when every list was read once. */
  readonly ready: () => Promise<void>;
  /** The newest revocation that is applied here, and the seconds since the issuer was last heard. */
  readonly state: () => { readonly sequence: number; readonly age: number };
};

/** Seconds that the waiting request waits, and milliseconds after which it is given up. */
const WAIT = 25;
const TIMEOUT = (WAIT + 10) * 1000;

/** Milliseconds between attempts while the issuer is away: the first, and the longest. */
const RETRY_AFTER = 50;
const RETRY_AT_THE_LATEST = 800;

const Aggregation = z.object({
  status_lists: z.array(z.string()),
  entity_tags: z.record(z.string(), z.string()).default({}),
  status_list_tokens: z.record(z.string(), z.string()).default({}),
});
const StatusListClaims = z.object({ sub: z.string(), exp: z.number(), status_list: z.unknown() });

type KnownList = { readonly list: StatusList; readonly expiresAt: number; readonly entityTag: string | undefined };

/**
 * Opens the status lists of `issuer` (draft-ietf-oauth-status-list-21) and keeps them current by one waiting request: it
 * is answered when a token is revoked, and the next one, which names what was applied, is the acknowledgement. While
 * the issuer is away the lists that were verified go on serving until they expire.
 * @param name who reads, for the issuer to tell its operator.
 */
export function openStatusListReader({
  issuer,
  name,
  logger,
  now = Date.now,
}: {
  issuer: Issuer;
  name: string;
  logger: Logger;
  now?: () => number;
}): StatusListReader {
  const reader = `${name} ${randomUUID()}`;
  const lists = new Map<string, KnownList>();
  const fetching = new Map<string, Promise<KnownList>>();
  const disposed = new AbortController();
  const { promise: readOnce, resolve: noteRead } = Promise.withResolvers<void>();
  let aggregationTag: string | undefined;
  let heardAt = 0;
  const following = follow();

  return {
    isRevoked({ idx, uri }) {
      const known = lists.get(uri);
      if (known !== undefined && known.expiresAt > now() / 1000) return known.list.isInvalid(idx);
      return findUnknown(uri).then(({ list }) => list.isInvalid(idx));
    },
    ready: () => readOnce,
    state: () => ({
      sequence: Number(/^"(\d+)-/.exec(aggregationTag ?? '')?.[1] ?? 0),
      age: (now() - heardAt) / 1000,
    }),
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await following;
    },
  };

  /** Asks, applies, and asks again until it is disposed. */
  async function follow(): Promise<void> {
    let retryAfter = RETRY_AFTER;
    while (!disposed.signal.aborted) {
      try {
        await readAggregation();
        noteRead();
        retryAfter = RETRY_AFTER;
      } catch (err) {
        if (disposed.signal.aborted) return;
        logger.warn({ err }, 'the status lists cannot be read; what is known goes on serving');
        await delay(retryAfter, undefined, { signal: disposed.signal }).catch(() => undefined);
        retryAfter = Math.min(retryAfter * 2, RETRY_AT_THE_LATEST);
      }
    }
  }

  async function readAggregation(): Promise<void> {
    const askedAt = now();
    const response = await get(await aggregationUri(), {
      accept: 'application/json',
      'status-list-reader': reader,
      ...(aggregationTag !== undefined && { 'if-none-match': aggregationTag, prefer: `wait=${WAIT}` }),
    });
    heardAt = now();
    if (response.status === 304) {
      // a server that ends does not let anybody wait
      if (heardAt - askedAt < RETRY_AFTER) await delay(RETRY_AFTER);
      return;
    }
    if (response.status !== 200) throw new Error(`the status list aggregation answered ${response.status}`);
    const { status_lists, entity_tags, status_list_tokens } = Aggregation.parse(await response.json());
    const changed = status_lists.filter(
      (uri) => entity_tags[uri] === undefined || lists.get(uri)?.entityTag !== entity_tags[uri],
    );
    await Promise.all(
      changed.map((uri) => {
        const [token, entityTag] = [status_list_tokens[uri], entity_tags[uri]];
        // the issuer may send a list along, which spares a request
        const applied = token === undefined ? read(uri, entityTag) : apply(uri, token, entityTag);
        return applied.catch((error) => {
          // by the clock here no token of it is good any more; it must not keep the other lists from being read
          if (!(error instanceof errors.JWTExpired) || !hasExpired(uri)) throw error;
          // nor may what was read before serve again, should the clock be set back
          lists.delete(uri);
        });
      }),
    );
    for (const uri of lists.keys()) if (hasExpired(uri) && !status_lists.includes(uri)) lists.delete(uri);
    // it is named in the next request, which says that all is applied that it stands for
    const tag = response.headers.get('etag') ?? undefined;
    // a cache on the way, or a server without tags, lets nobody wait
    if (tag === undefined || tag === aggregationTag) await delay(RETRY_AT_THE_LATEST);
    aggregationTag = tag;
  }

  /** Whether a list that was read has expired; one that was not read is none that a token is accepted by. */
  function hasExpired(uri: string): boolean {
    return (lists.get(uri)?.expiresAt ?? 0) <= now() / 1000;
  }

  /** A list that was not read before: only one that the issuer's own metadata leads to, and one request for all who ask. */
  async function findUnknown(uri: string): Promise<KnownList> {
    if (!uri.startsWith(`${await aggregationUri()}/`)) throw new UnknownStatusListError(uri);
    const reading = fetching.get(uri) ?? read(uri).finally(() => fetching.delete(uri));
    fetching.set(uri, reading);
    try {
      return await reading;
    } catch (cause) {
      if (cause instanceof UnknownStatusListError) throw cause;
      throw new ServiceUnavailableError('The status list of the access token could not be read', { cause });
    }
  }

  async function read(uri: string, announced?: string): Promise<KnownList> {
    const response = await get(uri, { accept: 'application/statuslist+jwt' });
    if (response.status === 404) throw new UnknownStatusListError(uri);
    if (response.status !== 200) throw new Error(`the status list answered ${response.status}`);
    const entityTag = response.headers.get('etag') ?? undefined;
    // another process than the one that announced it, which is behind: what it has is not what is acknowledged
    if (announced !== undefined && sequenceOf(entityTag) < sequenceOf(announced))
      throw new Error('the status list is older than announced');
    return apply(uri, await response.text(), entityTag);
  }

  async function apply(uri: string, token: string, entityTag: string | undefined): Promise<KnownList> {
    const { payload } = await jwtVerify(token, issuer.keys.find, {
      typ: 'statuslist+jwt',
      subject: uri,
      algorithms: SIGNATURE_ALGORITHMS,
      currentDate: new Date(now()),
    });
    const { exp, status_list } = StatusListClaims.parse(payload);
    const list = StatusList.decode(status_list);
    const known = lists.get(uri);
    if (known !== undefined) list.merge(known.list);
    const current = { list, expiresAt: exp, entityTag };
    lists.set(uri, current);
    return current;
  }

  function get(uri: string, others: Record<string, string>): Promise<Response> {
    // a list is compressed in itself: what gzip still saves takes longer than to send it
    const headers = { 'accept-encoding': 'identity', ...others };
    return issuer.fetch(uri, { headers, signal: AbortSignal.any([disposed.signal, AbortSignal.timeout(TIMEOUT)]) });
  }

  async function aggregationUri(): Promise<string> {
    const { data } = z.url().safeParse((await issuer.metadata()).status_list_aggregation_endpoint);
    if (data === undefined)
      throw new ServiceUnavailableError('The authorization server metadata names no status lists');
    return data;
  }
}

function sequenceOf(entityTag: string | undefined): number {
  return Number(/-(\d+)"$/.exec(entityTag ?? '')?.[1] ?? 0);
}
