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

/** What a test makes different from a good token; a claim that is undefined is left out. */
export type Deviation = {
  readonly claims?: JWTPayload;
  readonly header?: { alg?: string; typ?: string; kid?: string };
  /** Signs with a key that is not published, under the name of the one that is. */
  readonly foreignKey?: boolean;
};

/** An authorization server for tests: it publishes metadata, keys and status lists, and signs whatever it is asked to. */
export type TokenIssuer = AsyncDisposable & {
  readonly identifier: string;
  readonly issue: (deviation?: Deviation) => Promise<string>;
  /** Signs with a new key from now on, and publishes that one alone. */
  readonly replaceKey: () => Promise<void>;
  /** How often each path was asked for. */
  readonly requests: Map<string, number>;
  /** The `uri` of the status list `id`. List 1, on which nobody is revoked, is published from the start. */
  readonly listUri: (id: number) => string;
  /**
   * Publishes the status list `id` with these indexes revoked, and answers whoever waits for news; unless it is not
   * `announced`: then it is only found by whoever asks for it. `behind` announces a newer one than there is. `sentAlong`
   * puts it into the aggregation document.
   */
  readonly publishList: (id: number, revoked: readonly number[], options?: Deviation & ListOptions) => Promise<void>;
  /** The entity tag of the newest aggregation document. A reader that names it has applied what it stands for. */
  readonly aggregationTag: () => string;
  /** The entity tags that readers named, in order; undefined for one that has read nothing yet. */
  readonly named: (string | undefined)[];
  /** Keeps the answers for `path` back until what it returns is called. */
  readonly holdBack: (path: string) => () => void;
};

type ListOptions = { readonly announced?: boolean; readonly behind?: boolean; readonly sentAlong?: boolean };

type PublishedList = {
  readonly token: string;
  readonly entityTag: string;
  readonly announcedTag: string | undefined;
  readonly sentAlong: boolean;
};

/** Tokens that a published list has a bit for. */
export const LIST_SIZE = 128;

const AGGREGATION = '/status-lists';

/** Starts an issuer of access tokens for `audience`. */
export async function startTokenIssuer({ audience }: { audience: string }): Promise<TokenIssuer> {
  const port = await getFreePort();
  const identifier = `http://127.0.0.1:${port}`;
  const listUri = (id: number) => `${identifier}${AGGREGATION}/${id}`;
  const requests = new Map<string, number>();
  const lists = new Map<string, PublishedList>();
  const named: (string | undefined)[] = [];
  const held = new Map<string, Promise<void>>();
  let key = await createKey();
  let sequence = 0;
  let news = Promise.withResolvers<void>();
  const aggregationTag = () => `"${sequence}-${lists.size}"`;

  await publishList(1, []);
  const server = await serve(
    async (request, response) => {
      const path = request.url ?? '';
      requests.set(path, (requests.get(path) ?? 0) + 1);
      await held.get(path);
      const { status, headers, body } = path === AGGREGATION ? await aggregate(request.headers) : answer(path);
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
      const good = {
        iss: identifier,
        sub: 'alice',
        aud: audience,
        client_id: 'program',
        scope: 'todos:read todos:write',
        iat: now,
        exp: now + 600,
        jti: randomUUID(),
        status: { status_list: { idx: 0, uri: listUri(1) } },
      };
      return sign('at+jwt', { ...good, ...claims }, deviation);
    },
    async replaceKey() {
      key = await createKey();
    },
    listUri,
    publishList,
    aggregationTag,
    named,
    holdBack(path) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(path, promise);
      return () => {
        held.delete(path);
        resolve();
      };
    },
    async [Symbol.asyncDispose]() {
      news.resolve();
      await server[Symbol.asyncDispose]();
    },
  };

  async function publishList(
    id: number,
    revoked: readonly number[],
    { announced = true, behind = false, sentAlong = false, claims, ...deviation }: Deviation & ListOptions = {},
  ): Promise<void> {
    const list = new StatusList(new Uint8Array(LIST_SIZE / 8));
    for (const index of revoked) list.invalidate(index, 1);
    const now = Math.floor(Date.now() / 1000);
    const good = { sub: listUri(id), iat: now, exp: now + 600, ttl: 30, status_list: list.encode() };
    const token = await sign('statuslist+jwt', { ...good, ...claims }, deviation);
    if (announced) sequence += 1;
    const entityTag = `"${id}-${behind ? sequence - 1 : sequence}"`;
    lists.set(listUri(id), {
      token,
      entityTag,
      announcedTag: announced ? `"${id}-${sequence}"` : undefined,
      sentAlong,
    });
    if (!announced) return;
    news.resolve();
    news = Promise.withResolvers();
  }

  async function aggregate(headers: IncomingHttpHeaders): Promise<Answer> {
    const known = headers['if-none-match'];
    named.push(known);
    if (known === aggregationTag() && `${headers.prefer}`.startsWith('wait=')) await news.promise;
    if (known === aggregationTag()) return { status: 304, headers: {}, body: '' };
    const announced = [...lists].flatMap(([uri, { announcedTag }]) =>
      announcedTag === undefined ? [] : [[uri, announcedTag] as const],
    );
    const along = [...lists].flatMap(([uri, { token, sentAlong }]) => (sentAlong ? [[uri, token] as const] : []));
    const document = {
      status_lists: announced.map(([uri]) => uri),
      entity_tags: Object.fromEntries(announced),
      status_list_tokens: Object.fromEntries(along),
    };
    return json(document, { etag: aggregationTag() });
  }

  function answer(path: string): Answer {
    const list = lists.get(identifier + path);
    if (list !== undefined) {
      const headers = { 'content-type': 'application/statuslist+jwt', etag: list.entityTag };
      return { status: 200, headers, body: list.token };
    }
    switch (path) {
      case '/.well-known/oauth-authorization-server':
        return json({
          issuer: identifier,
          jwks_uri: `${identifier}/jwks`,
          status_list_aggregation_endpoint: identifier + AGGREGATION,
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

type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: string };

function json(document: object, headers: Record<string, string> = {}): Answer {
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
