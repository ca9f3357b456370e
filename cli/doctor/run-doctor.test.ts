import { expect, test } from 'vitest';
import { runDoctor } from './run-doctor.ts';
import { SCENARIOS } from './testing/scenarios.ts';
import { startTestServers, type TestServers } from './testing/start-test-servers.ts';

/** Examines the servers, and asserts what is true of every diagnosis. */
async function examine(
  servers: TestServers,
  url = servers.url,
  environment: Record<string, string> = servers.environment,
) {
  const { json, text, exitCode } = await runDoctor(url, environment);
  const said = `${text}\n${JSON.stringify(json)}`;
  for (const secret of servers.secrets()) expect(said).not.toContain(secret);
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

test('every link to a correct MCP endpoint is in order', async () => {
  await using servers = await startTestServers();
  const { json, text, exitCode } = await examine(servers);
  expect(json.links.map(({ link, outcome }) => [link, outcome])).toEqual(
    [...ALL, 'initialize', 'tools-list', 'get', 'sign-in'].map((link) => [link, 'passed']),
  );
  expect({ url: json.url, exitCode }).toEqual({ url: servers.url, exitCode: 0 });
  expect(text).toMatch(/^✓ tools-list +1 tool$/m);
  expect(text).toMatch(/\n\nEvery link is in order\.$/);
});

test('every link to a correct API is in order', async () => {
  await using servers = await startTestServers(undefined, '/api/v1');
  const { json, exitCode } = await examine(servers);
  expect(json.links.map(({ link, outcome }) => [link, outcome])).toEqual(
    [...ALL, 'todos'].map((link) => [link, 'passed']),
  );
  expect(exitCode).toBe(0);
});

test('without credentials the remaining links are skipped, and the remedy names the variables', async () => {
  await using servers = await startTestServers();
  const { find, skipped, exitCode } = await examine(servers, servers.url, {});
  expect(exitCode).toBe(0);
  expect(skipped).toEqual(['access-token', 'claims', 'signature', 'initialize', 'tools-list', 'get']);
  expect(find('access-token')).toMatchObject({
    remedy: expect.stringMatching(/OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/),
  });
  expect(find('tools-list')).toEqual({
    link: 'tools-list',
    outcome: 'skipped',
    detail: 'not checked: it needs initialize',
  });
  expect(servers.requests).not.toContain('POST /token');
});

test('an id without its secret is reported', async () => {
  await using servers = await startTestServers();
  await expect(runDoctor(servers.url, { OAUTH_CLIENT_ID: 'program' })).rejects.toThrow(
    /OAUTH_CLIENT_SECRET: expected the secret of that client, but it is not set/,
  );
});

const METADATA = 'GET /.well-known/oauth-protected-resource/mcp';

test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
  '%s',
  { timeout: 20_000 },
  async (_name, scenario) => {
    const {
      deviate,
      path,
      suffix = '',
      environment = {},
      failed = [],
      warned = [],
      skipped,
      detail,
      remedy,
    } = scenario;
    await using servers = await startTestServers(deviate, path);
    const found = await examine(servers, servers.url + suffix, { ...servers.environment, ...environment });
    expect(found.failed).toEqual(failed);
    expect(found.warned).toEqual(warned);
    if (skipped !== undefined) expect(found.skipped).toEqual(skipped);
    expect(found.find(failed[0] ?? warned[0] ?? skipped?.[0] ?? 'tools-list')).toMatchObject({
      detail: expect.stringMatching(detail),
      ...(remedy !== undefined && { remedy: expect.stringMatching(remedy) }),
    });
    expect(found.exitCode).toBe(failed.length === 0 ? 0 : 1);
  },
);

test('links behind a broken link are skipped, and the secret is not sent', async () => {
  await using servers = await startTestServers(() => ({
    replies: { [METADATA]: { document: { resource: 'https://a.example' } } },
  }));
  const { skipped } = await examine(servers);
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
    'sign-in',
  ]);
  expect(servers.requests).not.toContain('POST /token');
});

test('an access token for another resource is not sent to this resource', async () => {
  await using servers = await startTestServers(() => ({ claims: { aud: 'https://api.example' } }));
  const { skipped } = await examine(servers);
  expect(skipped).toEqual(['initialize', 'tools-list', 'get']);
  expect(servers.requests.filter((request) => request === 'POST /mcp')).toHaveLength(1);
});

test('the secret is sent to no other URL than OAUTH_TOKEN_URL', async () => {
  await using servers = await startTestServers();
  const elsewhere = { ...servers.environment, OAUTH_TOKEN_URL: 'https://auth.example/token' };
  const { failed, find } = await examine(servers, servers.url, elsewhere);
  expect(failed).toEqual(['access-token']);
  expect(find('access-token')?.detail).toMatch(/the secret was not sent/);
  expect(servers.requests).not.toContain('POST /token');
  const there = { ...servers.environment, OAUTH_TOKEN_URL: `${servers.issuer}/token` };
  expect((await examine(servers, servers.url, there)).exitCode).toBe(0);
});

test('a text of a server is printed without the secret and without control characters', async () => {
  const secret = 'a-secret-of-the-client';
  await using servers = await startTestServers(() => ({
    replies: {
      [METADATA]: { document: { resource: `\u001b[2J\u202e${secret}${'x'.repeat(500)}` } },
    },
  }));
  const { text } = await examine(servers, servers.url, { OAUTH_CLIENT_ID: 'program', OAUTH_CLIENT_SECRET: secret });
  expect(text).toContain('describes the resource \\u{1B}[2J\\u{202E}[concealed]xxx');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the test asserts that they are removed
  expect(text).not.toMatch(/[\u001b\u202e]|x{200}/);
});

test('the secret in a claim is concealed', async () => {
  await using servers = await startTestServers(() => ({ claims: { aud: 'https://x.example/?secret=a-long-secret' } }));
  const { find } = await examine(servers, servers.url, {
    OAUTH_CLIENT_ID: 'program',
    OAUTH_CLIENT_SECRET: 'a-long-secret',
  });
  expect(find('claims')?.detail).toContain('https://x.example/?secret=[concealed]');
});

test('a wrong clock of this machine is recognized', async () => {
  await using servers = await startTestServers();
  const { json } = await runDoctor(servers.url, servers.environment, { now: () => Date.now() - 3_600_000 });
  expect(json.links.filter(({ outcome }) => outcome === 'failed')).toEqual([
    {
      link: 'clocks',
      outcome: 'failed',
      detail: expect.stringMatching(/^the clock of this machine is (3600|35\d\d) s behind the other clocks$/),
      remedy: expect.stringContaining('Synchronize the clock of this machine'),
    },
  ]);
});

test('a host without a server', async () => {
  await using servers = await startTestServers();
  await servers[Symbol.asyncDispose]();
  const { failed, find, skipped } = await examine(servers);
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: `no response from ${servers.url}: no process listens on this port`,
    remedy: expect.stringMatching(/Start the server, or correct the host and the port of the URL/),
  });
  expect(skipped).toEqual(ALL.slice(1));
});

test('an authorization server that does not run', async () => {
  await using servers = await startTestServers(() => ({
    replies: { [METADATA]: { document: { authorization_servers: ['http://127.0.0.1:1'] } } },
  }));
  const { failed, find } = await examine(servers);
  expect(failed).toEqual(['authorization-server']);
  expect(find('authorization-server')?.detail).toMatch(/^no response from http:\/\/127\.0\.0\.1:1\//);
});

test('https in the URL of an http server', async () => {
  await using servers = await startTestServers();
  const { failed, find } = await examine(servers, servers.url.replace('http:', 'https:'));
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('TLS fails'),
    remedy: expect.stringContaining('http://'),
  });
});

test('http on another machine is not requested, unless the environment allows it', async () => {
  await using servers = await startTestServers();
  const { failed, find } = await examine(servers, 'http://mcp.invalid/mcp');
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('unencrypted'),
    remedy: expect.stringContaining('https'),
  });
  const { find: found } = await examine(servers, 'http://mcp.invalid/mcp', { ALLOW_INSECURE_HTTP: 'true' });
  expect(found('resource')?.detail).toContain('no response from');
});

test('for a URL without its path the remedy names the whole URL', async () => {
  await using servers = await startTestServers();
  const { failed, find } = await examine(servers, new URL(servers.url).origin);
  expect(failed).toEqual(['resource']);
  expect(find('resource')).toMatchObject({
    detail: expect.stringContaining('neither an MCP endpoint, nor an API, nor an authorization server'),
    remedy: expect.stringContaining(`The metadata at the root of this host name ${servers.url}: examine that URL.`),
  });
});

test('the links of an authorization server are checked', async () => {
  await using servers = await startTestServers();
  const { json, warned, failed } = await examine(servers, servers.issuer);
  expect(failed).toEqual([]);
  expect(warned).toEqual(['resource']);
  expect(json.links.filter(({ outcome }) => outcome === 'passed').map(({ link }) => link)).toEqual([
    'authorization-server',
    'keys',
    'browser-access',
    'clocks',
  ]);
});
