import { expect, test } from 'vitest';
import { runDoctor } from './run-doctor.ts';
import { type Deviation, type SetUp, startSetUp } from './testing/start-test-servers.ts';

/** Examines a set-up, and asserts what holds of every diagnosis. */
async function examine(setUp: SetUp, url = setUp.url, environment: Record<string, string> = setUp.environment) {
  const { json, text, exitCode } = await runDoctor(url, environment);
  const said = `${text}\n${JSON.stringify(json)}`;
  for (const secret of setUp.secrets()) expect(said).not.toContain(secret);
  expect(said).not.toMatch(/eyJ/);
  expect(json.ok).toBe(json.links.every(({ outcome }) => outcome !== 'failed'));
  expect(exitCode).toBe(json.ok ? 0 : 1);
  for (const { outcome, detail, remedy } of json.links) {
    expect(text).toContain(detail);
    if (remedy !== undefined) expect(text).toContain(remedy);
    if (outcome === 'failed' || outcome === 'warning') expect(remedy).toMatch(/\w/);
  }
  const named = (wanted: string) => json.links.filter(({ outcome }) => outcome === wanted).map(({ link }) => link);
  return {
    json,
    text,
    exitCode,
    failed: named('failed'),
    warned: named('warning'),
    skipped: named('skipped'),
    find: (name: string) => json.links.find(({ link }) => link === name),
  };
}

const ALL = ['resource', 'challenge', 'metadata-from-challenge', 'metadata-at-path', 'metadata-at-root'];
ALL.push('authorization-server', 'keys', 'browser-access', 'access-token', 'clocks', 'claims', 'signature');

test('a good MCP endpoint: every link holds', async () => {
  await using setUp = await startSetUp();
  const { json, text, exitCode } = await examine(setUp);
  expect(json.links.map(({ link, outcome }) => [link, outcome])).toEqual(
    [...ALL, 'initialize', 'tools-list', 'get'].map((link) => [link, 'passed']),
  );
  expect({ url: json.url, exitCode }).toEqual({ url: setUp.url, exitCode: 0 });
  expect(text).toMatch(/^✓ tools-list +1 tools$/m);
  expect(text).toMatch(/\n\nEvery link holds\.$/);
});

test('a good API: every link holds', async () => {
  await using setUp = await startSetUp(undefined, '/api/v1');
  const { json, exitCode } = await examine(setUp);
  expect(json.links.map(({ link, outcome }) => [link, outcome])).toEqual(
    [...ALL, 'todos'].map((link) => [link, 'passed']),
  );
  expect(exitCode).toBe(0);
});

test('without credentials the rest is skipped, and how to provide them is said', async () => {
  await using setUp = await startSetUp();
  const { find, skipped, exitCode } = await examine(setUp, setUp.url, {});
  expect(exitCode).toBe(0);
  expect(skipped).toEqual(['access-token', 'claims', 'signature', 'initialize', 'tools-list', 'get']);
  expect(find('access-token')).toMatchObject({
    remedy: expect.stringMatching(/OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/),
  });
  expect(find('tools-list')).toEqual({ link: 'tools-list', outcome: 'skipped', detail: 'waits for initialize' });
  expect(setUp.requests).not.toContain('POST /token');
});

test('half of the credentials is a mistake that is said', async () => {
  await using setUp = await startSetUp();
  await expect(runDoctor(setUp.url, { OAUTH_CLIENT_ID: 'program' })).rejects.toThrow(
    /OAUTH_CLIENT_SECRET: expected the secret of that client, but it is not set/,
  );
});

const METADATA = 'GET /.well-known/oauth-protected-resource/mcp';
const ROOT = 'GET /.well-known/oauth-protected-resource';
const SERVER = 'GET /.well-known/oauth-authorization-server';

/** Both places where RFC 9728 has the metadata. */
const BOTH = ['metadata-from-challenge', 'metadata-at-path'];

type Addresses = { url: string; issuer: string };
const broken: [name: string, (at: Addresses) => Deviation, failed: string[], detail: RegExp, remedy: RegExp][] = [
  [
    'no guard: 200 without an access token',
    () => ({ replies: { challenge: { status: 200, document: { jsonrpc: '2.0', id: 1, result: {} } } } }),
    ['challenge'],
    /answers 200 to a request without an access token, instead of 401/,
    /Put the guard before everything else, before initialize too/,
  ],
  [
    'a 401 without a challenge',
    () => ({ replies: { challenge: { status: 401 } } }),
    ['challenge'],
    /no WWW-Authenticate/,
    /WWW-Authenticate: Bearer resource_metadata=/,
  ],
  [
    'another scheme first',
    ({ url }) => ({
      replies: {
        challenge: {
          status: 401,
          headers: { 'www-authenticate': `DPoP algs="ES256", Bearer resource_metadata="${url}"` },
        },
      },
    }),
    ['challenge'],
    /first scheme of WWW-Authenticate is dpop, and Bearer comes later/,
    /Name Bearer first/,
  ],
  [
    'a challenge without metadata',
    () => ({ replies: { challenge: { status: 401, headers: { 'www-authenticate': 'Bearer realm="x"' } } } }),
    ['challenge'],
    /names no resource_metadata/,
    /RFC 9728 §5.1/,
  ],
  [
    'metadata of another resource',
    () => ({ replies: { [METADATA]: { document: { resource: 'https://other.example/mcp' } } } }),
    BOTH,
    /is about https:\/\/other\.example\/mcp, not about http:\/\/127/,
    /same to the letter \(RFC 9728 §3\.3\).*MCP_RESOURCE/,
  ],
  [
    'metadata of the resource with a slash',
    ({ url }) => ({ replies: { [METADATA]: { document: { resource: `${url}/` } } } }),
    BOTH,
    /\(a slash at the end\)/,
    /Have clients use http.*\/mcp\/;/,
  ],
  [
    'metadata that redirect',
    () => ({ replies: { [METADATA]: { status: 307, headers: { location: 'https://elsewhere.example/' } } } }),
    BOTH,
    /redirects \(307\) to https:\/\/elsewhere\.example\//,
    /without a redirect: clients follow none/,
  ],
  [
    'metadata that are not there',
    () => ({ replies: { [METADATA]: { status: 404 } } }),
    BOTH,
    /oauth-protected-resource\/mcp answers 404/,
    /proxy in front has to pass \/\.well-known\/oauth-protected-resource on/,
  ],
  [
    'metadata that are a web page',
    () => ({ replies: { [METADATA]: { headers: { 'content-type': 'text/html' }, body: '<html>' } } }),
    BOTH,
    /answers with text\/html instead of JSON/,
    /Content-Type: application\/json/,
  ],
  [
    'metadata without an authorization server',
    () => ({ replies: { [METADATA]: { document: { authorization_servers: [] } } } }),
    BOTH,
    /names no authorization server/,
    /AUTH_ISSUER/,
  ],
  [
    'an http issuer that is not on this machine',
    () => ({ replies: { [METADATA]: { document: { authorization_servers: ['http://auth.example'] } } } }),
    BOTH,
    /names the authorization server http:\/\/auth\.example: neither https nor this machine/,
    /Serve the authorization server over https/,
  ],
  [
    'metadata that no browser may read',
    () => ({
      replies: {
        [METADATA]: { headers: { 'access-control-allow-origin': undefined } },
        [SERVER]: { headers: { 'access-control-allow-origin': 'https://own.example' } },
      },
    }),
    ['browser-access'],
    /may not read .*oauth-protected-resource\/mcp and .*oauth-authorization-server/,
    /Access-Control-Allow-Origin: \*/,
  ],
  [
    'another issuer in its own metadata',
    ({ issuer }) => ({ replies: { [SERVER]: { document: { issuer: `${issuer}/` } } } }),
    ['authorization-server'],
    /names the issuer .* \(a slash at the end\)/,
    /same to the letter in both metadata \(RFC 8414 §3\.3\)/,
  ],
  [
    'authorization server metadata that are not there',
    () => ({ replies: { [SERVER]: { status: 404 } } }),
    ['authorization-server'],
    /oauth-authorization-server answers 404, .*openid-configuration answers 404/,
    /RFC 8414 §3/,
  ],
  [
    'authorization server metadata that redirect',
    () => ({ replies: { [SERVER]: { status: 302, headers: { location: '/login' } } } }),
    ['authorization-server'],
    /redirects \(302\) to \/login/,
    /clients follow none/,
  ],
  [
    'a token endpoint on plain http elsewhere',
    () => ({ replies: { [SERVER]: { document: { token_endpoint: 'http://auth.example/token' } } } }),
    ['authorization-server'],
    /token_endpoint is http:\/\/auth\.example\/token/,
    /over https/,
  ],
  [
    'no jwks_uri',
    () => ({ replies: { [SERVER]: { document: { jwks_uri: undefined } } } }),
    ['authorization-server'],
    /no jwks_uri/,
    /Put jwks_uri into/,
  ],
  [
    'a private key in the JWKS',
    () => ({ replies: { 'GET /jwks': { document: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' }] } } } }),
    ['keys'],
    /private or symmetric key/,
    /at once/,
  ],
  [
    'an empty JWKS',
    () => ({ replies: { 'GET /jwks': { document: { keys: [] } } } }),
    ['keys'],
    /no key that verifies a signature/,
    /Publish the public half/,
  ],
  [
    'credentials that are wrong',
    () => ({ replies: { 'POST /token': { status: 401, document: { error: 'invalid_client' } } } }),
    ['access-token'],
    /refuses: invalid_client/,
    /Correct OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/,
  ],
  [
    'a resource that the client may not use',
    () => ({ replies: { 'POST /token': { status: 400, document: { error: 'invalid_target' } } } }),
    ['access-token'],
    /refuses: invalid_target/,
    /--resource URL/,
  ],
  [
    'a token endpoint that fails',
    () => ({
      replies: { 'POST /token': { status: 502, headers: { 'content-type': 'text/html' }, body: 'Bad Gateway' } },
    }),
    ['access-token'],
    /does not answer as one/,
    /access_token and token_type/,
  ],
  [
    'access tokens that are no JWT',
    () => ({ replies: { 'POST /token': { document: { access_token: 'opaque-one', token_type: 'Bearer' } } } }),
    ['claims'],
    /is no JWT/,
    /RFC 9068/,
  ],
  [
    'an authorization server that ignores the resource',
    () => ({ claims: { aud: 'https://api.example' } }),
    ['claims'],
    /the aud of the access token is https:\/\/api\.example, not http.*\/mcp/,
    /RFC 8707 §2/,
  ],
  [
    'an access token for two',
    ({ url }) => ({ claims: { aud: [url, 'https://api.example'] } }),
    ['claims'],
    /the aud of the access token is http.*, https:\/\/api\.example/,
    /for it alone/,
  ],
  [
    'an access token of another issuer',
    () => ({ claims: { iss: 'https://old.example' } }),
    ['claims'],
    /the iss of the access token is https:\/\/old\.example/,
    /AUTH_ISSUER/,
  ],
  [
    'a JWT of another type',
    () => ({ header: { typ: 'JWT' } }),
    ['claims'],
    /the typ of the access token is JWT, not at\+jwt/,
    /RFC 9068 §2\.1/,
  ],
  [
    'an access token that is over when it comes',
    () => ({ claims: { exp: Math.floor(Date.now() / 1000) - 60 } }),
    ['claims'],
    /the exp of the access token is \d+, not a time to come/,
    /ACCESS_TOKEN_TTL/,
  ],
  [
    'a key that was rotated out of the JWKS',
    () => ({ header: { kid: 'old' }, foreignKey: true }),
    ['signature'],
    /the key old, which the JWKS does not have: it was rotated, or it expired/,
    /Publish a new key before signing with it/,
  ],
  [
    'another key of the same name',
    () => ({ foreignKey: true }),
    ['signature'],
    /does not fit the key one/,
    /a kid of its own/,
  ],
  [
    'an authorization server whose clock is slow',
    () => ({ clocks: { authorizationServer: -120 } }),
    ['clocks'],
    /the clock of the authorization server is 1[12]\d s behind the others/,
    /Set the clock of the authorization server by NTP/,
  ],
  [
    'a resource server whose clock is fast',
    () => ({ clocks: { resourceServer: 60 } }),
    ['clocks'],
    /the clock of the resource server is (60|5\d) s ahead of the others/,
    /Set the clock of the resource server by NTP/,
  ],
  [
    'a signer whose clock is fast',
    () => ({ clocks: { iat: 60 } }),
    ['clocks'],
    /issued \(iat\) (60|5\d) s after it was/,
    /takes iat from by NTP/,
  ],
  [
    'a resource server that refuses the access token',
    () => ({ replies: { initialize: { status: 401, document: {} } } }),
    ['initialize'],
    /initialize answers 401/,
    /its clock, and whether it reaches the keys/,
  ],
  [
    'a scope that is missing',
    () => ({ replies: { 'tools/list': { status: 403, document: {} } } }),
    ['tools-list'],
    /tools\/list answers 403/,
    /clients set-scope/,
  ],
  [
    'an endpoint that speaks no MCP',
    () => ({ replies: { initialize: { document: { hello: 'world' } } } }),
    ['initialize'],
    /not answered as MCP has it/,
    /Streamable HTTP/,
  ],
  [
    'GET that is neither 405 nor a stream',
    () => ({ replies: { 'GET /mcp': { status: 200 } } }),
    ['get'],
    /GET answers 200/,
    /405 and Allow: POST/,
  ],
];

test.each(broken)('%s', { timeout: 20_000 }, async (_name, deviate, links, detail, remedy) => {
  await using setUp = await startSetUp(deviate);
  const { failed, find, exitCode } = await examine(setUp);
  expect(failed).toEqual(links);
  expect(find(links[0] ?? '')).toMatchObject({
    detail: expect.stringMatching(detail),
    remedy: expect.stringMatching(remedy),
  });
  expect(exitCode).toBe(1);
});

test('what comes after a link that fails is skipped, and the secret stays here', async () => {
  await using setUp = await startSetUp(() => ({
    replies: { [METADATA]: { document: { resource: 'https://a.example' } } },
  }));
  const { skipped } = await examine(setUp);
  expect(skipped).toEqual([
    'authorization-server',
    'keys',
    'browser-access',
    'access-token',
    'claims',
    'signature',
    'initialize',
    'tools-list',
    'get',
  ]);
  expect(setUp.requests).not.toContain('POST /token');
});

test('an access token for somebody else is not shown to the resource', async () => {
  await using setUp = await startSetUp(() => ({ claims: { aud: 'https://api.example' } }));
  const { skipped } = await examine(setUp);
  expect(skipped).toEqual(['initialize', 'tools-list', 'get']);
  expect(setUp.requests.filter((request) => request === 'POST /mcp')).toHaveLength(1);
});

test('the secret goes to OAUTH_TOKEN_URL alone, where that is set', async () => {
  await using setUp = await startSetUp();
  const elsewhere = { ...setUp.environment, OAUTH_TOKEN_URL: 'https://auth.example/token' };
  const { failed, find } = await examine(setUp, setUp.url, elsewhere);
  expect(failed).toEqual(['access-token']);
  expect(find('access-token')?.detail).toMatch(/the secret was not sent/);
  expect(setUp.requests).not.toContain('POST /token');
  const there = { ...setUp.environment, OAUTH_TOKEN_URL: `${setUp.issuer}/token` };
  expect((await examine(setUp, setUp.url, there)).exitCode).toBe(0);
});

test('a server that repeats the secret, or moves the cursor, is not quoted so', async () => {
  const secret = 'a-secret-of-the-client';
  await using setUp = await startSetUp(() => ({
    replies: {
      [METADATA]: { document: { resource: `\u001b[2J\u202e${secret}${'x'.repeat(500)}` } },
    },
  }));
  const { text } = await examine(setUp, setUp.url, { OAUTH_CLIENT_ID: 'program', OAUTH_CLIENT_SECRET: secret });
  expect(text).toContain('is about [2J [concealed]xxx');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not come through
  expect(text).not.toMatch(/[\u001b\u202e]|x{200}/);
});

test('a claim that repeats the secret is concealed', async () => {
  await using setUp = await startSetUp(() => ({ claims: { aud: 'https://x.example/?secret=a-long-secret' } }));
  const { find } = await examine(setUp, setUp.url, {
    OAUTH_CLIENT_ID: 'program',
    OAUTH_CLIENT_SECRET: 'a-long-secret',
  });
  expect(find('claims')?.detail).toContain('https://x.example/?secret=[concealed]');
});

test('this machine whose clock is wrong is told from the others', async () => {
  await using setUp = await startSetUp();
  const { json } = await runDoctor(setUp.url, setUp.environment, { now: () => Date.now() - 3_600_000 });
  expect(json.links.filter(({ outcome }) => outcome === 'failed')).toEqual([
    {
      link: 'clocks',
      outcome: 'failed',
      detail: expect.stringMatching(/^the clock of this machine is (3600|35\d\d) s behind the others$/),
      remedy: expect.stringContaining('Set the clock of this machine'),
    },
  ]);
});

test.each([
  [
    'a challenge without a scope',
    ({ url }: Addresses): Deviation => ({
      replies: {
        challenge: {
          status: 401,
          headers: {
            'www-authenticate': `Bearer resource_metadata="${url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')}"`,
          },
        },
      },
    }),
    'challenge',
    /scope="…"/,
  ],
  [
    'no metadata at the root',
    (): Deviation => ({ replies: { [ROOT]: { status: 404 } } }),
    'metadata-at-root',
    /root of the host/,
  ],
  [
    'no PKCE where people sign in',
    (): Deviation => ({ replies: { [SERVER]: { document: { grant_types_supported: ['authorization_code'] } } } }),
    'authorization-server',
    /S256/,
  ],
  [
    'an audience that lacks the slash of the URL',
    ({ url }: Addresses): Deviation => ({ claims: { aud: `${url}/` } }),
    'claims',
    /slash at the end/,
  ],
])('%s is a warning', async (_name, deviate, link, remedy) => {
  await using setUp = await startSetUp(deviate);
  const { warned, find, exitCode } = await examine(setUp);
  expect(warned).toEqual([link]);
  expect(find(link)?.remedy).toMatch(remedy);
  expect(exitCode).toBe(0);
});

test('the read-only URL works, and is said not to be the resource identifier', async () => {
  await using setUp = await startSetUp();
  const { warned, exitCode, find } = await examine(setUp, `${setUp.url}?mode=read`);
  expect(warned).toEqual(BOTH);
  expect(find('metadata-from-challenge')?.remedy).toContain(`The resource is ${setUp.url}, without the query`);
  expect(exitCode).toBe(0);
});

test('a host that is down', async () => {
  await using setUp = await startSetUp();
  await setUp[Symbol.asyncDispose]();
  const { failed, find, skipped } = await examine(setUp);
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: `${setUp.url} does not answer: nothing listens there`,
    remedy: expect.stringMatching(/Start the server, or correct the host and the port/),
  });
  expect(skipped).toEqual(ALL.slice(1));
});

test('an authorization server that is down', async () => {
  await using setUp = await startSetUp(() => ({
    replies: { [METADATA]: { document: { authorization_servers: ['http://127.0.0.1:1'] } } },
  }));
  const { failed, find } = await examine(setUp);
  expect(failed).toEqual(['authorization-server']);
  expect(find('authorization-server')?.detail).toMatch(/http:\/\/127\.0\.0\.1:1\/.* does not answer/);
});

test('https where http is spoken', async () => {
  await using setUp = await startSetUp();
  const { failed, find } = await examine(setUp, setUp.url.replace('http:', 'https:'));
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('TLS fails'),
    remedy: expect.stringContaining('http://'),
  });
});

test('http that is not on this machine is not asked, unless the environment allows it', async () => {
  await using setUp = await startSetUp();
  const { failed, find } = await examine(setUp, 'http://mcp.invalid/mcp');
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('in the clear'),
    remedy: expect.stringContaining('https'),
  });
  const { find: found } = await examine(setUp, 'http://mcp.invalid/mcp', { ALLOW_INSECURE_HTTP: 'true' });
  expect(found('resource')?.detail).toContain('does not answer');
});

test('a URL without its path is told what is there', async () => {
  await using setUp = await startSetUp();
  const { failed, find } = await examine(setUp, new URL(setUp.url).origin);
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('neither an MCP endpoint, nor an API, nor an authorization server'),
    remedy: expect.stringContaining(`The metadata at its root names ${setUp.url}: examine that.`),
  });
});

test('an authorization server is examined for what it is', async () => {
  await using setUp = await startSetUp();
  const { json, warned, failed } = await examine(setUp, setUp.issuer);
  expect(failed).toEqual([]);
  expect(warned).toEqual(['resource']);
  expect(json.links.filter(({ outcome }) => outcome === 'passed').map(({ link }) => link)).toEqual([
    'authorization-server',
    'keys',
    'browser-access',
    'clocks',
  ]);
});
