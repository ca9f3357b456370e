import { createRemoteJWKSet, customFetch, errors } from 'jose';
import * as oauth from 'oauth4webapi';
import type { IssuerKeys } from './access-token-verifier.ts';
import { lazy } from './lazy.ts';

/** An authorization server as its clients and resource servers use it: metadata, keys, and a way to connect to it. */
export type Issuer = {
  readonly identifier: string;
  /** The authorization server metadata (RFC 8414), fetched once. @throws {AuthorizationServerUnavailableError} */
  readonly metadata: () => Promise<oauth.AuthorizationServer>;
  /**
   * The keys of its JWKS. `find` and `load` throw `AuthorizationServerUnavailableError` when the keys were never fetched
   * and cannot be fetched now.
   */
  readonly keys: IssuerKeys & {
    readonly load: () => Promise<void>;
    /**
     * Applies what the issuer says of its keys: a revoked one is rejected from the call on, and the JWKS is fetched again
     * when others are published than before.
     * @throws {AuthorizationServerUnavailableError} when the JWKS that is fetched has not all published keys.
     */
    readonly apply: (ids: KeyIds) => Promise<void>;
  };
  /** `fetch` for the URLs in the metadata. It follows no redirect. */
  readonly fetch: typeof fetch;
  /**
   * Whether a client secret may be sent to `uri`: the connection goes to the issuer, over https, to this machine, or to an
   * address that the operator configured.
   */
  readonly acceptsSecretsAt: (uri: string) => boolean;
};

/** The ids of an issuer's keys: of those in its JWKS, and of those that it revoked. */
type KeyIds = { readonly published: readonly string[]; readonly revoked: readonly string[] };

/** The age at which the keys are fetched again, in the background. */
const KEYS_MAX_AGE_MS = 5 * 60_000;

/** How long a request to the authorization server may take. */
const REQUEST_TIMEOUT_MS = 5_000;

/** The shortest time between two fetches of the JWKS for unknown key ids, so that forged tokens cause few requests. */
const UNKNOWN_KEY_COOLDOWN_MS = 1_000;

/**
 * Creates the view of the authorization server `identifier`. With `url`, connections go to that address while all
 * identifiers stay the same: inside compose, `http://localhost:3000` is reached at `http://auth:3000`.
 */
export function createIssuer({
  identifier,
  url: configuredUrl,
  fetch: transport = fetch,
}: {
  identifier: string;
  url?: string | undefined;
  fetch?: typeof fetch;
}): Issuer {
  const url = configuredUrl ?? identifier;
  const isPrivate = configuredUrl !== undefined || isHttpsOrLoopback(new URL(url));
  const isOfIssuer = (href: string) => href.startsWith(`${identifier}/`);
  const fetchFromIssuer: typeof fetch = (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const target = isOfIssuer(href) ? url + href.slice(identifier.length) : href;
    const signal = init?.signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    return transport(target, { ...init, redirect: 'manual', signal });
  };
  const metadata = lazy(() => fetchMetadata(identifier, fetchFromIssuer));
  return {
    identifier,
    metadata,
    keys: createIssuerKeys(metadata, fetchFromIssuer),
    fetch: fetchFromIssuer,
    acceptsSecretsAt: (uri) => isPrivate && isOfIssuer(new URL(uri).href),
  };
}

function isHttpsOrLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname);
}

/** The authorization server, or what a resource server needs of it, cannot be reached or used. */
export class AuthorizationServerUnavailableError extends Error {
  override readonly name = 'AuthorizationServerUnavailableError';
  readonly status = 503;
  /** Koa and other frameworks send the message and headers of an error that has this member. */
  readonly expose = true;
  /** Seconds after which a client should try again. */
  readonly retryAfter: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The address that was requested: the issuer, or an endpoint of it. */
  readonly address: string | undefined;

  constructor(
    message: string,
    {
      cause,
      retryAfter = 1,
      address,
    }: { cause?: unknown; retryAfter?: number | undefined; address?: string | undefined } = {},
  ) {
    super(message, { cause });
    this.address = address;
    this.retryAfter = retryAfter;
    this.headers = { 'retry-after': String(retryAfter) };
  }
}

async function fetchMetadata(identifier: string, fetchFromIssuer: typeof fetch): Promise<oauth.AuthorizationServer> {
  try {
    const issuer = new URL(identifier);
    const response = await oauth.discoveryRequest(issuer, {
      algorithm: 'oauth2',
      [oauth.customFetch]: fetchFromIssuer,
      // whether an identifier may be http is decided where the configuration is read
      [oauth.allowInsecureRequests]: true,
    });
    return await oauth.processDiscoveryResponse(issuer, response);
  } catch (cause) {
    throw new AuthorizationServerUnavailableError('The authorization server metadata cannot be fetched', {
      cause,
      address: identifier,
    });
  }
}

function createIssuerKeys(metadata: Issuer['metadata'], fetchFromIssuer: typeof fetch): Issuer['keys'] {
  const findKeySet = lazy(async () => {
    const { jwks_uri } = await metadata();
    if (jwks_uri === undefined)
      throw new AuthorizationServerUnavailableError('The authorization server metadata has no jwks_uri');
    return createRemoteJWKSet(new URL(jwks_uri), {
      // jose would drop expired keys even when no new ones can be fetched; `generation` renews them instead
      cacheMaxAge: Infinity,
      cooldownDuration: UNKNOWN_KEY_COOLDOWN_MS,
      timeoutDuration: REQUEST_TIMEOUT_MS,
      // a cache on the way may have the keys of before
      headers: { 'cache-control': 'no-cache' },
      [customFetch]: fetchFromIssuer,
    });
  });
  let keySet: RemoteKeySet | undefined;
  let generation = 0;
  let current = '';
  let renewedAt = 0;
  let applied: readonly string[] = [];
  let revoked: ReadonlySet<string> = new Set();

  return {
    async load() {
      await loadKeySet();
    },
    async apply(ids) {
      const known = revoked.size;
      // an issuer never takes a revocation back, but a process of it may not know the newest one
      revoked = new Set([...revoked, ...ids.revoked]);
      if (revoked.size > known) generation += 1;
      const loaded = await loadKeySet();
      if (String(ids.published) === String(applied) && hasAll(loaded, ids.published)) return;
      await reload(loaded);
      if (!hasAll(loaded, ids.published))
        throw new AuthorizationServerUnavailableError('The JWKS does not have the published keys yet');
      applied = ids.published;
    },
    async find(header, token) {
      // a token that names no key could match another one than that which signed it
      if (header.kid === undefined || revoked.has(header.kid)) throw new errors.JWKSNoMatchingKey();
      const loaded = await loadKeySet();
      try {
        // fetches the keys again when this one is unknown
        const key = await loaded(header, token);
        // the key may have been revoked meanwhile, and an issuer's process that lags behind still publishes it
        if (revoked.has(header.kid)) throw new errors.JWKSNoMatchingKey();
        return key;
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
        throw keysUnavailable(cause);
      } finally {
        detectChange(loaded);
      }
    },
    generation() {
      if (keySet !== undefined && Date.now() - renewedAt > KEYS_MAX_AGE_MS) renewInBackground(keySet);
      return generation;
    },
  };

  async function loadKeySet(): Promise<RemoteKeySet> {
    const found = await findKeySet();
    if (found.jwks() === undefined) await reload(found);
    keySet = found;
    return found;
  }

  async function reload(keys: RemoteKeySet): Promise<void> {
    await keys.reload().catch((cause) => {
      throw keysUnavailable(cause);
    });
    renewedAt = Date.now();
    detectChange(keys);
  }

  function renewInBackground(keys: RemoteKeySet): void {
    renewedAt = Date.now();
    // while the authorization server cannot be reached, the cached keys stay in use
    keys.reload().then(
      () => detectChange(keys),
      () => undefined,
    );
  }

  function detectChange(keys: RemoteKeySet): void {
    const published = JSON.stringify(keys.jwks());
    if (published !== current) generation += 1;
    current = published;
  }
}

function hasAll(keys: RemoteKeySet, ids: readonly string[]): boolean {
  const found = new Set(keys.jwks()?.keys.map(({ kid }) => kid));
  return ids.every((id) => found.has(id));
}

type RemoteKeySet = ReturnType<typeof createRemoteJWKSet>;

function keysUnavailable(cause: unknown): AuthorizationServerUnavailableError {
  return new AuthorizationServerUnavailableError("The authorization server's keys cannot be fetched", { cause });
}
