import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { serve } from '../http/serve.ts';
import { StatusList } from '../resource-server/status-list.ts';
import { getFreePort } from './free-port.ts';

/** How a signed token differs from a valid one. A claim that is undefined is left out. */
export type Deviation = {
  readonly claims?: JWTPayload;
  readonly header?: { alg?: string; typ?: string; kid?: string | undefined };
  /** Signs with an unpublished key, and puts the `kid` of the published key into the header. */
  readonly foreignKey?: boolean;
};

/** An authorization server for tests: it publishes metadata, keys and status lists, and signs any claims. */
export type TokenIssuer = AsyncDisposable & {
  readonly identifier: string;
  readonly issue: (deviation?: Deviation) => Promise<string>;
  /** Replaces the signing key: only the new key is published from now on. */
  readonly replaceKey: () => Promise<void>;
  /** The id of the signing key. */
  readonly keyId: () => string;
  /**
   * Names these keys as published and as revoked in the aggregation document, and answers the readers that wait. At first it
   * names none, as an issuer that does not know these members.
   */
  readonly announceKeys: (published: readonly string[], revoked?: readonly string[]) => void;
  /** The number of requests for each path. */
  readonly requests: Map<string, number>;
  /** The URI of the status list `id`. List 1 is published from the start, with no index revoked. */
  readonly listUri: (id: number) => string;
  /**
   * Publishes the status list `id` with these indexes revoked, and answers the readers that wait for a change. With
   * `announced: false` the aggregation document does not name the list, and no reader is answered. With `outdated` the
   * aggregation document announces a newer version of the list than the one that is published. With `included` the
   * aggregation document contains the list.
   */
  readonly publishList: (id: number, revoked: readonly number[], options?: Deviation & ListOptions) => Promise<void>;
  /** The entity tag of the newest aggregation document. A reader that sends it has applied that document. */
  readonly aggregationTag: () => string;
  /** Changes how all entity tags are sent from now on. They are strong at first. */
  readonly formatEntityTags: (format: (tag: string) => string) => void;
  /** The entity tags that readers sent in If-None-Match, in order; undefined for a request without one. */
  readonly acknowledgedTags: (string | undefined)[];
  /** The Authorization headers of the requests for status lists, in order; undefined for a request without one. */
  readonly authorizations: (string | undefined)[];
  /** Answers requests for status lists that have an Authorization header with this status, or undefined: as the others. */
  readonly rejectAuthorization: (status: number | undefined) => void;
  /** Answers every request for the aggregation document at once, also one that prefers to wait. */
  readonly refuseToWait: () => void;
  /** Holds the responses for `path` until the function that it returns is called. */
  readonly holdResponses: (path: string) => () => void;
};

type ListOptions = { readonly announced?: boolean; readonly outdated?: boolean; readonly included?: boolean };

type PublishedList = {
  readonly token: string;
  readonly entityTag: string;
  readonly announcedTag: string | undefined;
  readonly included: boolean;
};

/** The number of tokens in a published list; each has one bit. */
export const LIST_SIZE = 128;

/** How long access tokens and status lists are valid. */
const LIFETIME_SECONDS = 600;

const AGGREGATION_PATH = '/status-lists';

/** Starts a token issuer whose access tokens have the audience `audience`, unless their claims name another. */
export async function startTokenIssuer({ audience }: { audience: string }): Promise<TokenIssuer> {
  const port = await getFreePort();
  const identifier = `http://127.0.0.1:${port}`;
  const listUri = (id: number) => `${identifier}${AGGREGATION_PATH}/${id}`;
  const requests = new Map<string, number>();
  const lists = new Map<string, PublishedList>();
  const acknowledgedTags: (string | undefined)[] = [];
  const authorizations: (string | undefined)[] = [];
  let rejectingStatus: number | undefined;
  let letsWait = true;
  let keyIds: { key_ids: readonly string[]; revoked_key_ids: readonly string[] } | undefined;
  const held = new Map<string, Promise<void>>();
  let key = await createKey();
  let sequence = 0;
  let change = Promise.withResolvers<void>();
  let formatTag = (tag: string) => tag;
  const aggregationTag = () => formatTag(`"${sequence}-${lists.size}"`);

  await publishList(1, []);
  const server = await serve(
    async (request, response) => {
      const path = request.url ?? '';
      requests.set(path, (requests.get(path) ?? 0) + 1);
      await held.get(path);
      const { status, headers, body } = await respondTo(path, request.headers);
      response.writeHead(status, headers);
      response.end(body);
    },
    { port, host: '127.0.0.1', drainFor: 0 },
  );

  return {
    identifier,
    requests,
    issue({ claims, ...deviation } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const valid = {
        iss: identifier,
        sub: 'alice',
        aud: audience,
        client_id: 'program',
        scope: 'todos:read todos:write',
        iat: now,
        exp: now + LIFETIME_SECONDS,
        jti: randomUUID(),
        status: { status_list: { idx: 0, uri: listUri(1) } },
      };
      return sign('at+jwt', { ...valid, ...claims }, deviation);
    },
    async replaceKey() {
      key = await createKey();
    },
    keyId: () => key.kid,
    announceKeys(published, revoked = []) {
      keyIds = { key_ids: published, revoked_key_ids: revoked };
      sequence += 1;
      wakeReaders();
    },
    listUri,
    publishList,
    aggregationTag,
    formatEntityTags(format) {
      formatTag = format;
    },
    acknowledgedTags,
    authorizations,
    rejectAuthorization(status) {
      rejectingStatus = status;
    },
    refuseToWait() {
      letsWait = false;
      change.resolve();
    },
    holdResponses(path) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(path, promise);
      return () => {
        held.delete(path);
        resolve();
      };
    },
    async [Symbol.asyncDispose]() {
      change.resolve();
      await server[Symbol.asyncDispose]();
    },
  };

  async function publishList(
    id: number,
    revoked: readonly number[],
    { announced = true, outdated = false, included = false, claims, ...deviation }: Deviation & ListOptions = {},
  ): Promise<void> {
    const list = new StatusList(new Uint8Array(LIST_SIZE / 8));
    for (const index of revoked) list.invalidate(index, 1);
    const now = Math.floor(Date.now() / 1000);
    const valid = { sub: listUri(id), iat: now, exp: now + LIFETIME_SECONDS, ttl: 30, status_list: list.encode() };
    const token = await sign('statuslist+jwt', { ...valid, ...claims }, deviation);
    if (announced) sequence += 1;
    const entityTag = `"${id}-${outdated ? sequence - 1 : sequence}"`;
    lists.set(listUri(id), {
      token,
      entityTag,
      announcedTag: announced ? `"${id}-${sequence}"` : undefined,
      included,
    });
    if (announced) wakeReaders();
  }

  function wakeReaders(): void {
    change.resolve();
    change = Promise.withResolvers();
  }

  async function respondTo(path: string, headers: IncomingHttpHeaders): Promise<TestResponse> {
    if (!path.startsWith(AGGREGATION_PATH)) return respond(path);
    const { authorization } = headers;
    authorizations.push(authorization);
    if (authorization !== undefined && rejectingStatus !== undefined)
      return { ...json({ error: 'invalid_client' }), status: rejectingStatus };
    return path === AGGREGATION_PATH ? aggregate(headers) : respond(path);
  }

  async function aggregate(headers: IncomingHttpHeaders): Promise<TestResponse> {
    const known = headers['if-none-match'];
    acknowledgedTags.push(known);
    const waits = letsWait && `${headers.prefer}`.startsWith('wait=');
    if (known === aggregationTag() && waits) await change.promise;
    if (known === aggregationTag())
      return { status: 304, headers: waits ? { 'preference-applied': 'wait' } : {}, body: '' };
    const announced = [...lists].flatMap(([uri, { announcedTag }]) =>
      announcedTag === undefined ? [] : [[uri, formatTag(announcedTag)] as const],
    );
    const includedLists = [...lists].flatMap(([uri, { token, included }]) => (included ? [[uri, token] as const] : []));
    const document = {
      status_lists: announced.map(([uri]) => uri),
      entity_tags: Object.fromEntries(announced),
      status_list_tokens: Object.fromEntries(includedLists),
      ...keyIds,
    };
    return json(document, { etag: aggregationTag() });
  }

  function respond(path: string): TestResponse {
    const list = lists.get(identifier + path);
    if (list !== undefined) {
      const headers = { 'content-type': 'application/statuslist+jwt', etag: formatTag(list.entityTag) };
      return { status: 200, headers, body: list.token };
    }
    switch (path) {
      case '/.well-known/oauth-authorization-server':
        return json({
          issuer: identifier,
          jwks_uri: `${identifier}/jwks`,
          status_list_aggregation_endpoint: identifier + AGGREGATION_PATH,
        });
      case '/jwks':
        return json({ keys: [key.publicJwk] });
      default:
        return { ...json({}), status: 404 };
    }
  }

  async function sign(typ: string, claims: JWTPayload, { header, foreignKey }: Deviation): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ, kid: key.kid, ...header })
      .sign(foreignKey ? (await createKey()).privateKey : key.privateKey);
  }
}

type TestResponse = { readonly status: number; readonly headers: Record<string, string>; readonly body: string };

function json(document: object, headers: Record<string, string> = {}): TestResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(document),
  };
}

async function createKey(): Promise<{ privateKey: CryptoKey; publicJwk: JWK; kid: string }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, kid, publicJwk: { ...jwk, kid, alg: 'ES256', use: 'sig' } };
}
