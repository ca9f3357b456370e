import { afterAll, beforeAll, expect, test } from 'vitest';
import { basicAuthorization, postAsClient } from '../support/post-as-client.ts';
import { registerKeyClient } from '../support/register-key-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

/** The quota of everything that is counted for a client. */
const QUOTA = 5;

let system: System;
beforeAll(async () => {
  // loopback is a trusted proxy, so that each stranger has an address of its own and is not limited there
  system = await startSystem(
    { AUTH_TRUSTED_PROXIES: 'loopback' },
    { quotas: { tokens: 100, exchanges: 100, rejections: QUOTA, revocations: QUOTA, introspections: QUOTA } },
  );
});
afterAll(() => system[Symbol.asyncDispose]());

type Attempt = { readonly headers?: Record<string, string>; readonly parameters?: Record<string, string> };

const unsigned = (id: string) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 60;
  const claims = { iss: id, sub: id, aud: system.issuer, jti: 'one', exp };
  return `${part({ alg: 'ES256', kid: 'one' })}.${part(claims)}.AAAA`;
};

const assertion = (id: string) => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: unsigned(id),
});

/** The ways in which a request names a client without authenticating it. */
const ATTEMPTS: Readonly<Record<string, (id: string) => Attempt>> = {
  'the client id alone': (id) => ({ parameters: { client_id: id } }),
  'a wrong secret in the header': (id) => ({ headers: { authorization: basicAuthorization({ id, secret: 'wrong' }) } }),
  'a wrong secret in the form': (id) => ({ parameters: { client_id: id, client_secret: 'wrong' } }),
  'an unsigned assertion': (id) => ({ parameters: assertion(id) }),
  'a wrong secret and an unsigned assertion': (id) => ({
    parameters: { ...assertion(id), client_id: id, client_secret: 'wrong' },
  }),
  'a wrong secret in the header and in the form': (id) => ({
    headers: { authorization: basicAuthorization({ id, secret: 'wrong' }) },
    parameters: { client_secret: 'wrong' },
  }),
  'the client id of another assertion': (id) => ({ parameters: { ...assertion('another'), client_id: id } }),
  'a client attestation': (id) => ({ headers: { 'oauth-client-attestation': unsigned(id) } }),
  'a client attestation and the client id': (id) => ({
    headers: { 'oauth-client-attestation': unsigned(id) },
    parameters: { client_id: id },
  }),
  'a proof of possession and the client id': (id) => ({
    headers: { 'oauth-client-attestation-pop': unsigned(id) },
    parameters: { client_id: id },
  }),
  'a client attestation, a wrong secret and the client id': (id) => ({
    headers: { 'oauth-client-attestation': unsigned(id), 'oauth-client-attestation-pop': unsigned(id) },
    parameters: { client_id: id, client_secret: 'wrong' },
  }),
};

const REQUESTS: readonly (readonly [string, Record<string, string>])[] = [
  ['/oauth/token', { grant_type: 'client_credentials', scope: 'admin' }],
  ['/oauth/revoke', { token: 'any' }],
  ['/oauth/introspect', { token: 'any' }],
];

let strangers = 0;

async function sendFromNewAddress(path: string, { headers, parameters }: Attempt): Promise<void> {
  strangers += 1;
  const response = await fetch(`${system.issuer}${path}`, {
    method: 'POST',
    headers: { 'x-forwarded-for': `10.0.${Math.floor(strangers / 256)}.${strangers % 256}`, ...headers },
    body: new URLSearchParams(parameters),
  });
  expect([400, 401]).toContain(response.status);
  expect(response.headers.get('retry-after')).toBeNull();
  expect(await response.json()).toMatchObject({
    error: expect.stringMatching(response.status === 400 ? /^invalid_request$/ : /^invalid_client$/),
  });
}

/** A client, and how it sends requests with its credentials. */
async function registerVictim(kind: 'secret' | 'key') {
  if (kind === 'key') {
    const { id, post } = await registerKeyClient(system);
    return { id, post };
  }
  const client = await system.registerClient();
  const post = (path: string, parameters: Record<string, string>) =>
    postAsClient(`${system.issuer}${path}`, client, parameters);
  return { id: client.id, post };
}

test.each(Object.keys(ATTEMPTS).flatMap((name) => [[name, 'secret'] as const, [name, 'key'] as const]))(
  '%s uses up no quota of a client with a %s',
  async (name, kind) => {
    const victim = await registerVictim(kind);
    for (const [path, parameters] of REQUESTS) {
      for (let times = 0; times <= QUOTA; times += 1) {
        const { headers, parameters: authentication } = ATTEMPTS[name]?.(victim.id) ?? {};
        await sendFromNewAddress(path, {
          ...(headers && { headers }),
          parameters: { ...parameters, ...authentication },
        });
      }
    }
    expect((await victim.post('/oauth/token', { grant_type: 'client_credentials' })).status).toBe(200);
    for (const [path, parameters] of REQUESTS) {
      for (let times = 0; times < QUOTA; times += 1)
        expect((await victim.post(path, parameters)).status).toBe(path === '/oauth/token' ? 400 : 200);
      const limited = await victim.post(path, parameters);
      expect({ status: limited.status, retryAfter: limited.headers.get('retry-after') }).toEqual({
        status: 429,
        retryAfter: expect.stringMatching(/^\d+$/),
      });
    }
  },
);
