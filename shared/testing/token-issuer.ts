import { randomUUID } from 'node:crypto';
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
import { getFreePort } from './free-port.ts';

/** What a test makes different from a good access token; a claim that is undefined is left out. */
export type Deviation = {
  readonly claims?: JWTPayload;
  readonly header?: { alg?: string; typ?: string; kid?: string };
};

/** An authorization server for tests: it publishes metadata and keys, and signs whatever it is asked to. */
export type TokenIssuer = AsyncDisposable & {
  readonly identifier: string;
  readonly issue: (deviation?: Deviation) => Promise<string>;
  /** Signs with a new key from now on, and publishes that one alone. */
  readonly replaceKey: () => Promise<void>;
  /** How often each path was asked for. */
  readonly requests: Map<string, number>;
};

/** Starts an issuer of access tokens for `audience`. */
export async function startTokenIssuer({ audience }: { audience: string }): Promise<TokenIssuer> {
  const port = await getFreePort();
  const identifier = `http://127.0.0.1:${port}`;
  const requests = new Map<string, number>();
  let key = await createKey();

  const server = await serve(
    (request, response) => {
      const path = request.url ?? '';
      requests.set(path, (requests.get(path) ?? 0) + 1);
      const documents: Record<string, object> = {
        '/.well-known/oauth-authorization-server': { issuer: identifier, jwks_uri: `${identifier}/jwks` },
        '/jwks': { keys: [key.publicJwk] },
      };
      response.writeHead(documents[path] === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(documents[path] ?? {}));
    },
    { port, host: '127.0.0.1', drainFor: 0 },
  );

  return {
    identifier,
    requests,
    async issue({ claims, header } = {}) {
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
        status: { status_list: { idx: 0, uri: `${identifier}/status-lists/1` } },
      };
      return new SignJWT({ ...good, ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    async replaceKey() {
      key = await createKey();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function createKey(): Promise<{ privateKey: CryptoKey; publicJwk: JWK; kid: string }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, kid, publicJwk: { ...jwk, kid, alg: 'ES256', use: 'sig' } };
}
