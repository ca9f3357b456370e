import { createRemoteJWKSet, customFetch, errors } from 'jose';
import * as oauth from 'oauth4webapi';
import { ServiceUnavailableError } from '../http/errors.ts';
import { lazy } from '../lazy.ts';
import type { IssuerKeys } from './access-token-verifier.ts';

/** An authorization server as its clients and resource servers see it: its metadata, its keys and a way to reach it. */
export type Issuer = {
  readonly identifier: string;
  /** The authorization server metadata (RFC 8414), fetched once. @throws {ServiceUnavailableError} */
  readonly metadata: () => Promise<oauth.AuthorizationServer>;
  /** The keys of its JWKS. `find` and `load` throw `ServiceUnavailableError` while they were never seen and cannot be fetched. */
  readonly keys: IssuerKeys & { readonly load: () => Promise<void> };
  /** `fetch` for the addresses that the metadata names. */
  readonly fetch: typeof fetch;
};

/** Milliseconds after which the keys are asked for again, in the background. */
const KEYS_FRESH_FOR = 5 * 60_000;

/** Milliseconds that auth has to answer. */
const TIMEOUT = 5_000;

/**
 * Creates the view of the authorization server `identifier`. With `url` the connections go there, and every identifier
 * stays what it is: inside compose `http://localhost:3000` is reached at `http://auth:3000`.
 */
export function createIssuer({
  identifier,
  url = identifier,
  fetch: transport = fetch,
}: {
  identifier: string;
  url?: string | undefined;
  fetch?: typeof fetch;
}): Issuer {
  const reach: typeof fetch = (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const target = href.startsWith(`${identifier}/`) ? url + href.slice(identifier.length) : href;
    return transport(target, { ...init, redirect: 'manual', signal: init?.signal ?? AbortSignal.timeout(TIMEOUT) });
  };
  const metadata = lazy(() => fetchMetadata(identifier, reach));
  return { identifier, metadata, keys: createIssuerKeys(metadata, reach), fetch: reach };
}

async function fetchMetadata(identifier: string, reach: typeof fetch): Promise<oauth.AuthorizationServer> {
  try {
    const issuer = new URL(identifier);
    const response = await oauth.discoveryRequest(issuer, {
      algorithm: 'oauth2',
      [oauth.customFetch]: reach,
      // which identifiers may be http is decided where the environment is read
      [oauth.allowInsecureRequests]: true,
    });
    return await oauth.processDiscoveryResponse(issuer, response);
  } catch (cause) {
    throw new ServiceUnavailableError('The authorization server metadata could not be fetched', { cause });
  }
}

function createIssuerKeys(metadata: Issuer['metadata'], reach: typeof fetch): Issuer['keys'] {
  const findKeySet = lazy(async () => {
    const { jwks_uri } = await metadata();
    if (jwks_uri === undefined)
      throw new ServiceUnavailableError('The authorization server metadata names no jwks_uri');
    // jose would drop keys that are too old even when new ones are not to be had; `generation` renews them instead
    return createRemoteJWKSet(new URL(jwks_uri), {
      cacheMaxAge: Infinity,
      // a token that a new key signed waits for no more than this
      cooldownDuration: 1_000,
      timeoutDuration: TIMEOUT,
      [customFetch]: reach,
    });
  });
  let keySet: RemoteKeySet | undefined;
  let generation = 0;
  let current = '';
  let renewedAt = 0;

  return {
    async load() {
      await loadKeySet();
    },
    async find(header, token) {
      const loaded = await loadKeySet();
      try {
        // fetches them anew when the key is unknown
        return await loaded(header, token);
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
        throw unreachable(cause);
      } finally {
        noteChange(loaded);
      }
    },
    generation() {
      if (keySet !== undefined && Date.now() - renewedAt > KEYS_FRESH_FOR) renewInBackground(keySet);
      return generation;
    },
  };

  async function loadKeySet(): Promise<RemoteKeySet> {
    const found = await findKeySet();
    if (found.jwks() === undefined) {
      await found.reload().catch((cause) => {
        throw unreachable(cause);
      });
      renewedAt = Date.now();
      noteChange(found);
    }
    keySet = found;
    return found;
  }

  function renewInBackground(keys: RemoteKeySet): void {
    renewedAt = Date.now();
    // auth is out of reach: the keys that are known go on serving
    keys.reload().then(
      () => noteChange(keys),
      () => undefined,
    );
  }

  function noteChange(keys: RemoteKeySet): void {
    const published = JSON.stringify(keys.jwks());
    if (published !== current) generation += 1;
    current = published;
  }
}

type RemoteKeySet = ReturnType<typeof createRemoteJWKSet>;

function unreachable(cause: unknown): ServiceUnavailableError {
  return new ServiceUnavailableError("The authorization server's keys could not be fetched", { cause });
}
