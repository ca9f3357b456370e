import { expect, test } from 'vitest';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';
import { AccessTokenRejectedError, createTokenRequest, TooManyTokenRequestsError } from './token-request.ts';

function endpoint(answer: (signal?: AbortSignal | null) => Response | Promise<Response>) {
  const requests: { headers: Headers; body: string }[] = [];
  const requestAccessToken = createTokenRequest({
    authorizationServer: async () => ({ issuer: 'http://auth.example', token_endpoint: 'http://auth.example/token' }),
    clientId: 'program',
    clientSecret: 'secret',
    now: () => 1000,
    timeout: 50,
    fetch: async (_input, init) => {
      requests.push({ headers: new Headers(init?.headers), body: String(init?.body) });
      return answer(init?.signal);
    },
  });
  return { requests, requestAccessToken };
}

const json = (status: number, body: object, headers = {}) => Response.json(body, { status, headers });

test('the client authenticates with its secret and gets an access token with its expiry', async () => {
  const { requests, requestAccessToken } = endpoint(() =>
    json(200, { access_token: 'a', token_type: 'Bearer', expires_in: 60 }),
  );
  expect(await requestAccessToken('client_credentials', { resource: 'http://api.example' })).toEqual({
    value: 'a',
    issuedAt: 1000,
    expiresAt: 61_000,
  });
  expect(requests[0]?.headers.get('authorization')).toBe(`Basic ${btoa('program:secret')}`);
  expect(requests[0]?.body).toBe('resource=http%3A%2F%2Fapi.example&grant_type=client_credentials');
});

test.each([
  ['invalid_client', json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="auth"' })],
  ['invalid_scope', json(400, { error: 'invalid_scope' })],
])('a rejection is reported by its error code %s', async (error, answer) => {
  const { requestAccessToken } = endpoint(() => answer);
  const refused = requestAccessToken('client_credentials', {});
  await expect(refused).rejects.toBeInstanceOf(AccessTokenRejectedError);
  await expect(refused).rejects.toMatchObject({ error });
});

const description = 'send fewer requests';

test.each([
  [
    'with its description',
    json(429, { error: 'temporarily_unavailable', error_description: description }, { 'retry-after': '42' }),
    { description, retryAfter: 42 },
  ],
  [
    'with a challenge',
    json(429, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="auth"', 'retry-after': '42' }),
    { description: undefined, retryAfter: 42 },
  ],
  [
    'of a proxy',
    new Response('<html>', { status: 429, headers: { 'content-type': 'text/html' } }),
    { description: undefined, retryAfter: 60 },
  ],
])('a limit of the authorization server %s has an error of its own', async (_, answer, expected) => {
  const { requestAccessToken } = endpoint(() => answer);
  const limited = requestAccessToken('client_credentials', {});
  await expect(limited).rejects.toBeInstanceOf(TooManyTokenRequestsError);
  await expect(limited).rejects.toMatchObject(expected);
});

test.each([
  ['is out of reach', () => Promise.reject(new TypeError('fetch failed'))],
  [
    'says nothing',
    (signal?: AbortSignal | null) =>
      new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  ],
  ['fails', () => json(503, { error: 'temporarily_unavailable' })],
  ['answers a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
  ['answers no access token', () => json(200, { token_type: 'Bearer' })],
])('a server that %s counts as unavailable', async (_name, answer) => {
  const { requestAccessToken } = endpoint(answer);
  await expect(requestAccessToken('client_credentials', {})).rejects.toBeInstanceOf(
    AuthorizationServerUnavailableError,
  );
});
