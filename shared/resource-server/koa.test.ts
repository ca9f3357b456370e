import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { handleErrors, renderProblem } from '../http/handle-errors.ts';
import { serve } from '../http/serve.ts';
import { startTokenIssuer } from '../testing/token-issuer.ts';
import { createAccessTokenVerifier } from './access-token-verifier.ts';
import { createChallenges } from './challenge.ts';
import { createIssuer } from './issuer.ts';
import { type Authorized, requireAccessToken, requireScope, serveProtectedResourceMetadata } from './koa.ts';

const resource = 'http://api.example/api/v1';
const everywhere = `resource_metadata="http://api.example/.well-known/oauth-protected-resource/api/v1", scope="todos:read todos:write"`;

async function startGuarded() {
  await using starting = new AsyncDisposableStack();
  const issuer = starting.use(await startTokenIssuer({ audience: resource }));
  const challenges = createChallenges({
    resource,
    authorizationServer: issuer.identifier,
    scopes: ['todos:read', 'todos:write'],
    name: 'test',
  });
  const { keys } = createIssuer({ identifier: issuer.identifier });
  const verify = createAccessTokenVerifier({
    issuer: issuer.identifier,
    audience: resource,
    keys,
    isRevoked: () => false,
  });
  const app = new Koa<Authorized>();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use(requireAccessToken({ verify, challenges }));
  app.use(requireScope('todos:write', challenges));
  app.use((ctx) => {
    ctx.body = { subject: ctx.state.accessToken.subject };
  });
  const server = starting.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  const running = starting.move();
  return {
    issuer,
    async get(authorization?: string, path = '/') {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: authorization ? { authorization } : {},
      });
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        headers: response.headers,
        body: await response.json(),
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test('a valid access token passes, in any case of the scheme', async () => {
  await using guarded = await startGuarded();
  const token = await guarded.issuer.issue();
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const answer = await guarded.get(`${scheme} ${token}`);
    expect(answer).toMatchObject({ status: 200, challenge: null, body: { subject: 'alice' } });
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
  }
});

test('a request without an access token gets a challenge without an error code', async () => {
  await using guarded = await startGuarded();
  const missing = {
    status: 401,
    challenge: `Bearer ${everywhere}`,
    body: { type: 'about:blank', title: 'Unauthorized', status: 401, detail: 'An access token is needed' },
  };
  expect(await guarded.get()).toMatchObject(missing);
  expect(await guarded.get('Basic ZGVtbzpzZWNyZXQ=')).toMatchObject(missing);
  // a token in the query is in every log on the way: it is not looked for (RFC 6750 §5.3)
  expect(await guarded.get(undefined, `/?access_token=${await guarded.issuer.issue()}`)).toMatchObject(missing);
});

const PLACEHOLDER =
  'The Authorization header has the name of a variable instead of an access token: set the variable where the client runs';

test.each([
  ['Bearer', 'The Authorization header has no access token after Bearer'],
  ['Bearer  ', 'The Authorization header has no access token after Bearer'],
  [`Bearer \${YATA_TOKEN}`, PLACEHOLDER],
  [`Bearer \${env:YATA_TOKEN}`, PLACEHOLDER],
  ['Bearer $YATA_TOKEN', PLACEHOLDER],
  ['Bearer %YATA_TOKEN%', PLACEHOLDER],
  ['Bearer {env:YATA_TOKEN}', PLACEHOLDER],
  ['Bearer {{token}}', PLACEHOLDER],
  ['Bearer <token>', PLACEHOLDER],
  ['Bearer Bearer a.b.c', 'The Authorization header names the scheme Bearer twice'],
  ['Bearer "a.b.c"', 'The access token in the Authorization header must not be in quotes'],
  ...['Bearer a b', 'Bearer a,b', 'Bearer tö'].map((malformed) => [
    malformed,
    'The Authorization header must be: Bearer, a space, the access token',
  ]),
])('the header %j gives 400 and names what is wrong', async (authorization = '', description = '') => {
  await using guarded = await startGuarded();
  expect(await guarded.get(authorization)).toMatchObject({
    status: 400,
    challenge: `Bearer error="invalid_request", error_description="${description}", ${everywhere}`,
    body: { status: 400, detail: description },
  });
});

test.each([
  ['expired', { claims: { exp: 1 } }, 'The access token expired'],
  ['for another resource', { claims: { aud: 'http://mcp.example/mcp' } }, 'The access token is for another resource'],
  ['of another issuer', { claims: { iss: 'http://evil.example' } }, 'The access token is not valid'],
  ['of another type', { header: { typ: 'JWT' } }, 'The access token is not valid'],
])('an access token %s gives 401 with the reason', async (_name, deviation, description) => {
  await using guarded = await startGuarded();
  expect(await guarded.get(`Bearer ${await guarded.issuer.issue(deviation)}`)).toMatchObject({
    status: 401,
    challenge: `Bearer error="invalid_token", error_description="${description}", ${everywhere}`,
    body: { status: 401, detail: description },
  });
});

test.each([
  ['a program', { sub: 'a client', client_id: 'a client' }, '', 'todos:write'],
  ['a person', {}, '. Sign in again and allow it', 'todos:read todos:write'],
  ['an actor', { act: { sub: 'mcp' } }, '', 'todos:write'],
])('an access token of %s without the scope gives 403 with the scopes to ask for', async (_, claims, advice, scope) => {
  await using guarded = await startGuarded();
  const token = await guarded.issuer.issue({ claims: { ...claims, scope: 'todos:read todos:writes' } });
  const description = `The access token lacks the scope todos:write${advice}`;
  expect(await guarded.get(`Bearer ${token}`)).toMatchObject({
    status: 403,
    challenge:
      `Bearer error="insufficient_scope", error_description="${description}", ` +
      `resource_metadata="http://api.example/.well-known/oauth-protected-resource/api/v1", scope="${scope}"`,
    body: { status: 403, detail: description },
  });
});

test('keys that cannot be fetched give 503, because the access token may be valid', async () => {
  await using guarded = await startGuarded();
  const token = await guarded.issuer.issue();
  await guarded.issuer[Symbol.asyncDispose]();
  const answer = await guarded.get(`Bearer ${token}`);
  expect(answer).toMatchObject({ status: 503, challenge: null });
  expect(answer.headers.get('retry-after')).toBe('1');
});

test('the metadata is served by GET and HEAD, and another method gives 405 with the allowed ones', async () => {
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use(
    serveProtectedResourceMetadata({
      resource,
      authorizationServer: 'http://auth.example',
      scopes: ['todos:read'],
      name: 'test',
    }),
  );
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const request = async (method: string, path: string) => {
    const { status, headers } = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return [status, headers.get('allow')];
  };
  const path = '/.well-known/oauth-protected-resource/api/v1';
  for (const place of [path, `${path}/`, '/.well-known/oauth-protected-resource']) {
    expect(await request('GET', place)).toEqual([200, null]);
    expect(await request('HEAD', place)).toEqual([200, null]);
    expect(await request('POST', place)).toEqual([405, 'GET, HEAD']);
    expect(await request('OPTIONS', place)).toEqual([204, 'GET, HEAD']);
  }
  expect(await request('GET', `${path}/else`)).toEqual([404, null]);
});
