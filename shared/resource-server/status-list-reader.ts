import { setTimeout as delay } from 'node:timers/promises';
import { errors, jwtVerify } from 'jose';
import * as z from 'zod';
import { CLOCK_TOLERANCE_SECONDS, SIGNATURE_ALGORITHMS } from './access-token-claims.ts';
import type { IsRevoked } from './access-token-verifier.ts';
import { AuthorizationServerUnavailableError, type Issuer } from './issuer.ts';
import { type ClientCredentials, createReaderAuthorization } from './reader-authorization.ts';
import { StatusList, UnknownStatusListError } from './status-list.ts';

/** The status lists of an issuer, cached by a resource server. Disposing the reader ends its waiting request. */
export type StatusListReader = AsyncDisposable & {
  readonly isRevoked: IsRevoked;
  /** Resolves once every list has been fetched. */
  readonly ready: () => Promise<void>;
  /** The newest revocation that is applied here, and the seconds since the last answer of the issuer. */
  readonly state: () => { readonly sequence: number; readonly age: number };
};

/** The part of a logger that the reader needs; pino and most others have it. */
export type WarningLogger = { readonly warn: (fields: object, message: string) => void };

/**
 * How long the waiting request waits at the issuer. It is short, because a network can lose the response and leave the connection
 * open: without a response after `SILENCE_MS` the request is sent again, and then every `REPEAT_MS`, because it may meet another such
 * connection in the pool. Each goes on until its timeout.
 */
const WAIT_SECONDS = 2;
const SILENCE_MS = (WAIT_SECONDS + 1) * 1000;
const REPEAT_MS = 1_000;
const REQUEST_TIMEOUT_MS = (WAIT_SECONDS + 10) * 1000;

/** The shortest and the longest time between attempts while the issuer cannot be reached. */
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 800;

/** The time between two requests while the issuer does not let them wait. */
const POLL_INTERVAL_MS = 1_000;

/** The statuses by which an issuer rejects the credentials of a reader. */
const REJECTING_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);

const Aggregation = z.object({
  status_lists: z.array(z.string()),
  entity_tags: z.record(z.string(), z.string()).default({}),
  status_list_tokens: z.record(z.string(), z.string()).default({}),
  key_ids: z.array(z.string()).optional(),
  revoked_key_ids: z.array(z.string()).default([]),
});
const StatusListClaims = z.object({ sub: z.string(), iat: z.number(), exp: z.number(), status_list: z.unknown() });

/** The id of a list, the last part of its URI. Readers do not interpret it. */
const LIST_ID = /^[A-Za-z0-9_-]{1,64}$/;

type CachedList = { readonly list: StatusList; readonly expiresAt: number; readonly entityTag: string | undefined };

/**
 * Opens the status lists of `issuer` (draft-ietf-oauth-status-list-21) and keeps them current by one waiting request.
 * The issuer answers it when a token is revoked. The next request names the entity tag of what was applied, and so
 * acknowledges it. While the issuer cannot be reached, the verified lists stay in use until they expire.
 * @param credentials those of a client that is a resource server. Without them, or when the issuer rejects them, the lists
 *   are read without authentication: the issuer does not count this reader, and answers it after the others.
 */
export function openStatusListReader({
  issuer,
  credentials,
  logger,
  now = Date.now,
}: {
  issuer: Issuer;
  credentials?: ClientCredentials | undefined;
  logger: WarningLogger;
  now?: () => number;
}): StatusListReader {
  const authorization = createReaderAuthorization({ credentials, issuer, logger, now });
  const lists = new Map<string, CachedList>();
  const fetching = new Map<string, Promise<CachedList>>();
  const disposed = new AbortController();
  const { promise: fetchedOnce, resolve: resolveFetchedOnce } = Promise.withResolvers<void>();
  let aggregationTag: string | undefined;
  let answeredAt = 0;
  const subscription = subscribe();

  return {
    isRevoked({ idx, uri }) {
      const cached = lists.get(uri);
      if (cached !== undefined && !hasExpired(uri)) return cached.list.isInvalid(idx);
      return fetchUnknownList(uri).then(({ list }) => list.isInvalid(idx));
    },
    ready: () => fetchedOnce,
    state: () => ({
      sequence: sequenceOfAggregation(aggregationTag),
      age: (now() - answeredAt) / 1000,
    }),
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await subscription;
    },
  };

  /** Fetches and applies the lists again and again until the reader is disposed. */
  async function subscribe(): Promise<void> {
    let retryAfter = MIN_RETRY_MS;
    while (!disposed.signal.aborted) {
      try {
        await fetchAggregation();
        resolveFetchedOnce();
        retryAfter = MIN_RETRY_MS;
      } catch (err) {
        if (disposed.signal.aborted) return;
        logger.warn({ event: 'status_lists.unavailable', err }, 'status lists unavailable, serving cached lists');
        await pause(retryAfter);
        retryAfter = Math.min(retryAfter * 2, MAX_RETRY_MS);
      }
    }
  }

  async function fetchAggregation(): Promise<void> {
    const requestedAt = now();
    const response = await getRepeatedly(await aggregationUri(), {
      accept: 'application/json',
      ...(aggregationTag !== undefined && { 'if-none-match': aggregationTag, prefer: `wait=${WAIT_SECONDS}` }),
    });
    answeredAt = now();
    if (response.status === 304) {
      // a server that shuts down answers waiting requests at once, and one at which too many requests wait does not let this
      // one wait: do not ask in a tight loop
      const interval = response.headers.has('preference-applied') ? MIN_RETRY_MS : POLL_INTERVAL_MS;
      const elapsed = answeredAt - requestedAt;
      if (elapsed < interval) await pause(interval - elapsed);
      return;
    }
    if (response.status !== 200) throw new Error(`the status list aggregation answered ${response.status}`);
    const { status_lists, entity_tags, status_list_tokens, key_ids, revoked_key_ids } = Aggregation.parse(
      await response.json(),
    );
    const keysApplied = key_ids && issuer.keys.apply({ published: key_ids, revoked: revoked_key_ids });
    // it is awaited last: keys that cannot be fetched must not keep revocations from being applied
    keysApplied?.catch(() => undefined);
    const changed = status_lists.filter(
      (uri) => entity_tags[uri] === undefined || opaqueTag(lists.get(uri)?.entityTag) !== opaqueTag(entity_tags[uri]),
    );
    await Promise.all(
      changed.map((uri) => {
        const [token, entityTag] = [status_list_tokens[uri], entity_tags[uri]];
        // the issuer may include a list in the aggregation, which saves a request
        const applied = token === undefined ? fetchList(uri, entityTag) : apply(uri, token, entityTag);
        return applied.catch((error) => {
          // a list that has expired by this clock has no valid tokens left, and must not block the other lists
          if (!(error instanceof errors.JWTExpired) || !hasExpired(uri)) throw error;
          // delete the cached copy: it must not become valid again when the clock is set back
          lists.delete(uri);
        });
      }),
    );
    for (const uri of lists.keys()) if (hasExpired(uri) && !status_lists.includes(uri)) lists.delete(uri);
    await keysApplied;
    // the next request names this tag, which acknowledges that everything up to it is applied
    const tag = response.headers.get('etag') ?? undefined;
    // a cache on the way, or a server without entity tags, does not let the request wait
    if (tag === undefined || tag === aggregationTag) await pause(MAX_RETRY_MS);
    // two processes that disagree, such as those of two versions behind one address, each answer the tag of the other at once
    else if (sequenceOfAggregation(tag) <= sequenceOfAggregation(aggregationTag))
      await pause(MIN_RETRY_MS - (answeredAt - requestedAt));
    aggregationTag = tag;
  }

  /**
   * Whether the cached list has expired; true for a list that is not cached. A list has the clock tolerance of access tokens:
   * otherwise a token that is still accepted could have no list any more, if it is one of the last on its list.
   */
  function hasExpired(uri: string): boolean {
    return (lists.get(uri)?.expiresAt ?? 0) + CLOCK_TOLERANCE_SECONDS <= now() / 1000;
  }

  /** Fetches a list that is not cached: only below the URI that the issuer's metadata announces, one request at a time. */
  async function fetchUnknownList(uri: string): Promise<CachedList> {
    const prefix = `${await aggregationUri()}/`;
    // nothing but an id: a query or dots would lead to another resource of the issuer
    if (!uri.startsWith(prefix) || !LIST_ID.test(uri.slice(prefix.length))) throw new UnknownStatusListError(uri);
    const request = fetching.get(uri) ?? fetchList(uri).finally(() => fetching.delete(uri));
    fetching.set(uri, request);
    try {
      return await request;
    } catch (cause) {
      if (cause instanceof UnknownStatusListError) throw cause;
      throw new AuthorizationServerUnavailableError('The status list of the access token cannot be fetched', { cause });
    }
  }

  async function fetchList(uri: string, announcedTag?: string): Promise<CachedList> {
    const response = await get(uri, { accept: 'application/statuslist+jwt' });
    if (response.status === 404) throw new UnknownStatusListError(uri);
    if (response.status !== 200) throw new Error(`the status list answered ${response.status}`);
    const entityTag = response.headers.get('etag') ?? undefined;
    // another auth process answered, which lags behind the one that announced the list: do not acknowledge its copy
    if (announcedTag !== undefined && sequenceOf(entityTag) < sequenceOf(announcedTag))
      throw new Error('the status list is older than the announced one');
    return apply(uri, await response.text(), entityTag);
  }

  async function apply(uri: string, token: string, entityTag: string | undefined): Promise<CachedList> {
    const { payload } = await jwtVerify(token, issuer.keys.find, {
      typ: 'statuslist+jwt',
      subject: uri,
      algorithms: SIGNATURE_ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    });
    const { exp, status_list } = StatusListClaims.parse(payload);
    const list = StatusList.decode(status_list);
    const cached = lists.get(uri);
    // a revocation that is cached stays, even if an older copy of the list arrives
    if (cached !== undefined) list.merge(cached.list);
    const current = { list, expiresAt: exp, entityTag };
    lists.set(uri, current);
    return current;
  }

  /** Requests `uri`, again and again while there is silence, and returns the first response. A failure ends all. */
  async function getRepeatedly(uri: string, headers: Record<string, string>): Promise<Response> {
    const attempts: { readonly response: Promise<Response>; readonly given: AbortController }[] = [];
    const answered = new AbortController();
    let winner: AbortController | undefined;
    try {
      for (;;) {
        const given = new AbortController();
        attempts.push({ given, response: get(uri, headers, given.signal) });
        const silence = delay(attempts.length === 1 ? SILENCE_MS : REPEAT_MS, undefined, {
          signal: answered.signal,
        }).catch(() => undefined);
        const first = await Promise.race([
          silence,
          ...attempts.map(({ response, given }) => response.then((value) => ({ value, given }))),
        ]);
        if (first === undefined) continue;
        winner = first.given;
        return first.value;
      }
    } finally {
      answered.abort();
      for (const { response, given } of attempts) {
        if (given === winner) continue;
        response.catch(() => undefined);
        given.abort();
      }
    }
  }

  /** Requests `uri`, without authentication when the issuer rejects it: revocations must arrive in any case. */
  async function get(uri: string, others: Record<string, string>, given?: AbortSignal): Promise<Response> {
    // a list is already compressed: gzip would save less time than it takes
    const headers = { 'accept-encoding': 'identity', ...others };
    const authentication = authorization.headersFor(uri);
    if (authentication === undefined) return request(uri, headers, given);
    const response = await request(uri, { ...headers, ...authentication }, given);
    if (REJECTING_STATUSES.has(response.status)) {
      authorization.rejected(response.status);
      await response.body?.cancel();
      return request(uri, headers, given);
    }
    if (response.ok || response.status === 304) authorization.accepted();
    return response;
  }

  function request(uri: string, headers: Record<string, string>, given?: AbortSignal): Promise<Response> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const signal = AbortSignal.any([disposed.signal, timeout, ...(given === undefined ? [] : [given])]);
    return issuer.fetch(uri, { headers, signal });
  }

  /** Waits, at most until the reader is disposed. */
  async function pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await delay(milliseconds, undefined, { signal: disposed.signal }).catch(() => undefined);
  }

  async function aggregationUri(): Promise<string> {
    const { data } = z.url().safeParse((await issuer.metadata()).status_list_aggregation_endpoint);
    if (data === undefined)
      throw new AuthorizationServerUnavailableError(
        'The authorization server metadata has no status_list_aggregation_endpoint',
      );
    return data;
  }
}

/** Returns an entity tag without the mark of a weak one: issuers of different versions send both for the same list. */
function opaqueTag(entityTag: string | undefined): string | undefined {
  return entityTag?.replace(/^W\//, '');
}

/** The newest revocation that an aggregation document with this entity tag has. */
function sequenceOfAggregation(entityTag: string | undefined): number {
  return Number(/^(?:W\/)?"(\d+)-/.exec(entityTag ?? '')?.[1] ?? 0);
}

/** The newest revocation on a list with this entity tag. */
function sequenceOf(entityTag: string | undefined): number {
  return Number(/-(\d+)"$/.exec(entityTag ?? '')?.[1] ?? 0);
}
