import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createLogger } from '../logger.ts';
import { LIST_SIZE, startTokenIssuer, type TokenIssuer } from '../testing/token-issuer.ts';
import { createAccessTokenVerifier } from './access-token-verifier.ts';
import { AuthorizationServerUnavailableError, createIssuer } from './issuer.ts';
import { UnknownStatusListError } from './status-list.ts';
import { openStatusListReader, type WarningLogger } from './status-list-reader.ts';

const audience = 'http://api.example/api/v1';

async function open({ now }: { now?: () => number } = {}) {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startTokenIssuer({ audience }));
  const reader = opening.use(readerOf(server, { now }));
  await reader.ready();
  const issuer = createIssuer({ identifier: server.identifier });
  const verify = createAccessTokenVerifier({
    issuer: server.identifier,
    audience,
    keys: issuer.keys,
    isRevoked: reader.isRevoked,
  });
  const opened = opening.move();
  return {
    server,
    reader,
    verify,
    /** As `isRevoked`, whether it answers at once or later. */
    look: async (idx: number, list: number | string = 1) =>
      reader.isRevoked({ idx, uri: typeof list === 'string' ? list : server.listUri(list) }),
    issueAt: (idx: number, uri: string) => server.issue({ claims: { status: { status_list: { idx, uri } } } }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const credentials = { clientId: 'api', clientSecret: 'secret' };

function readerOf(
  { identifier }: TokenIssuer,
  {
    now,
    logger = createLogger({ name: 'test', level: 'silent' }),
  }: { now?: (() => number) | undefined; logger?: WarningLogger } = {},
) {
  return openStatusListReader({
    issuer: createIssuer({ identifier }),
    credentials,
    logger,
    ...(now !== undefined && { now }),
  });
}

test('a revocation arrives by the waiting request, and a check costs no request', async () => {
  await using opened = await open();
  expect(opened.reader.isRevoked({ idx: 5, uri: opened.server.listUri(1) })).toBe(false);
  await opened.server.publishList(1, [5]);
  await vi.waitFor(async () => expect(await opened.look(5)).toBe(true), { timeout: 10_000, interval: 2 });
  expect(await opened.look(6)).toBe(false);
  await vi.waitFor(() => expect(opened.server.acknowledgedTags).toContain(opened.server.aggregationTag()), 10_000);
  const before = new Map(opened.server.requests);
  for (let index = 0; index < LIST_SIZE; index += 1)
    opened.reader.isRevoked({ idx: index, uri: opened.server.listUri(1) });
  await delay(20);
  expect(opened.server.requests).toEqual(before);
  expect(opened.reader.state().sequence).toBe(2);
});

test('a reader acknowledges a revocation only after applying it', async () => {
  await using opened = await open();
  const { server } = opened;
  const release = server.holdResponses('/status-lists/1');
  await server.publishList(1, [5]);
  const tag = server.aggregationTag();
  await vi.waitFor(() => expect(server.requests.get('/status-lists/1')).toBe(2), 10_000);
  await delay(100);
  expect(server.acknowledgedTags).not.toContain(tag);
  expect(await opened.look(5)).toBe(false);
  release();
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(tag), { timeout: 10_000, interval: 1 });
  // at the moment that it is named, it is applied
  expect(await opened.look(5)).toBe(true);
});

test('a list that is included in the aggregation is not fetched', async () => {
  await using opened = await open();
  const { server } = opened;
  const asked = server.requests.get('/status-lists/1');
  await server.publishList(1, [5], { included: true });
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), 10_000);
  expect(await opened.look(5)).toBe(true);
  expect(await opened.look(6)).toBe(false);
  expect(server.requests.get('/status-lists/1')).toBe(asked);
});

test.each([
  ['signed with a foreign key', { foreignKey: true }],
  ['of another list', { claims: { sub: 'http://auth.example/status-lists/1' } }],
  ['of another type', { header: { typ: 'at+jwt' } }],
  ['without the time of its signature', { claims: { iat: undefined as never } }],
])('an included list that %s is rejected', async (_what, deviation) => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(1, [5], { included: true, ...deviation });
  await delay(200);
  expect(await opened.look(5)).toBe(false);
  expect(server.acknowledgedTags).not.toContain(server.aggregationTag());
});

test.each([
  ['weak', (tag: string) => `W/${tag}`],
  ['strong', (tag: string) => tag],
])('a reader understands %s entity tags of lists and of the aggregation', async (_name, format) => {
  await using opened = await open();
  const { server } = opened;
  server.formatEntityTags(format);
  await server.publishList(1, [5], { included: true });
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), 10_000);
  expect(await opened.look(5)).toBe(true);
  expect(opened.reader.state().sequence).toBe(2);
  // the same tag in the other form is no change
  server.formatEntityTags((tag) => (format(tag) === tag ? `W/${tag}` : tag));
  const before = server.requests.get('/status-lists/1');
  await server.publishList(2, []);
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), 10_000);
  expect(server.requests.get('/status-lists/1')).toBe(before);
});

test('a list that is older than announced is not acknowledged', async () => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(1, [], { outdated: true });
  const tag = server.aggregationTag();
  await delay(300);
  expect(server.acknowledgedTags).not.toContain(tag);
  await server.publishList(1, [5]);
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), { timeout: 10_000 });
  expect(await opened.look(5)).toBe(true);
});

test('a list that has expired by the local clock does not block the other lists', async () => {
  await using opened = await open();
  const { server } = opened;
  const exp = Math.floor(Date.now() / 1000) - 30;
  await server.publishList(2, [], { claims: { exp } });
  await server.publishList(1, [5]);
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), { timeout: 10_000 });
  expect(await opened.look(5)).toBe(true);
  await expect(opened.look(5, 2)).rejects.toBeInstanceOf(AuthorizationServerUnavailableError);
});

test('an expired list does not become valid again when the clock is set back', async () => {
  let ahead = 0;
  await using opened = await open({ now: () => Date.now() + ahead });
  const { server } = opened;
  ahead = 700_000;
  await server.publishList(1, [5], { included: true });
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), 10_000);
  ahead = 0;
  expect(await opened.look(5)).toBe(true);
});

test('an expired copy does not replace a list that has not expired', async () => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(1, [5], { claims: { exp: Math.floor(Date.now() / 1000) - 30 } });
  const tag = server.aggregationTag();
  await delay(300);
  expect(server.acknowledgedTags).not.toContain(tag);
});

test('an unknown list is fetched once for all concurrent checks', async () => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(2, [7], { announced: false });
  const looks = await Promise.all(Array.from({ length: 50 }, (_, index) => opened.look(index, 2)));
  expect(looks).toEqual(Array.from({ length: 50 }, (_, index) => index === 7));
  expect(server.requests.get('/status-lists/2')).toBe(1);
  expect(await opened.look(7, 2)).toBe(true);
  expect(server.requests.get('/status-lists/2')).toBe(1);
});

test('while the issuer cannot be reached, cached lists are used and unknown lists give an error', async () => {
  await using opened = await open();
  const { server, verify } = opened;
  await server.publishList(1, [5]);
  await vi.waitFor(async () => expect(await opened.look(5)).toBe(true), 10_000);
  const [good, bad, unseen] = [
    await opened.issueAt(4, server.listUri(1)),
    await opened.issueAt(5, server.listUri(1)),
    await opened.issueAt(4, server.listUri(2)),
  ];
  await verify(good);
  await server[Symbol.asyncDispose]();
  expect(await verify(good)).toMatchObject({ subject: 'alice' });
  await expect(verify(bad)).rejects.toMatchObject({ name: 'InvalidAccessTokenError', reason: 'revoked' });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(verify(unseen)).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  }
});

test('without any answer of the issuer no access token is accepted', async () => {
  const server = await startTokenIssuer({ audience });
  await server[Symbol.asyncDispose]();
  await using reader = readerOf(server);
  await expect(reader.isRevoked({ idx: 0, uri: server.listUri(1) })).rejects.toThrow(
    AuthorizationServerUnavailableError,
  );
});

test('an expired list is fetched again, and accepts no token when that fails', async () => {
  let now = Date.now();
  await using opened = await open({ now: () => now });
  const { server } = opened;
  expect(await opened.look(5)).toBe(false);
  now += 606_000;
  await expect(opened.look(5)).rejects.toThrow(AuthorizationServerUnavailableError);
  await server.publishList(1, [5], { claims: { exp: Math.floor(now / 1000) + 600 } });
  expect(await opened.look(5)).toBe(true);
  await server[Symbol.asyncDispose]();
  expect(await opened.look(5)).toBe(true);
  now += 606_000;
  await expect(opened.look(5)).rejects.toThrow(AuthorizationServerUnavailableError);
});

test.each([4, 5])('a list is used as long as a token that expires with it is accepted: %i s later', async (later) => {
  let now = Date.now();
  await using opened = await open({ now: () => now });
  const { server } = opened;
  const exp = Math.floor(now / 1000) + 60;
  await server.publishList(2, [7], { claims: { exp } });
  await vi.waitFor(() => expect(server.acknowledgedTags).toContain(server.aggregationTag()), 10_000);
  await server.publishList(3, [7], { claims: { exp }, announced: false });
  now = (exp + later) * 1000;
  // one that is cached, and one that is fetched
  const looks = [2, 3].map((list) => opened.look(7, list));
  if (later < 5) expect(await Promise.all(looks)).toEqual([true, true]);
  else for (const look of looks) await expect(look).rejects.toThrow(AuthorizationServerUnavailableError);
});

const seconds = Math.floor(Date.now() / 1000);
test.each([
  ['of another uri', { claims: { sub: 'http://issuer.example/status-lists/2' } }],
  ['of no uri', { claims: { sub: undefined } }],
  ['of a foreign key', { foreignKey: true }],
  ['of an unknown key', { header: { kid: 'unknown' } }],
  ['of another typ', { header: { typ: 'at+jwt' } }],
  ['past its exp', { claims: { exp: seconds - 10 } }],
  ['without exp', { claims: { exp: undefined } }],
  ['of two bits a token', { claims: { status_list: { bits: 2, lst: 'eNrbuRgAAhcBXQ' } } }],
  ['without a list', { claims: { status_list: undefined } }],
])('a list %s is rejected', async (_name, deviation) => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(2, [], { ...deviation, announced: false });
  await expect(opened.look(0, 2)).rejects.toThrow(AuthorizationServerUnavailableError);
  // nor is it applied, or named, when it is announced
  await server.publishList(1, [3], deviation);
  await vi.waitFor(() => expect(server.requests.get('/status-lists/1')).toBeGreaterThan(1), 10_000);
  await delay(50);
  expect(server.acknowledgedTags).not.toContain(server.aggregationTag());
  expect(await opened.look(3)).toBe(false);
});

test('an index outside its list is rejected', async () => {
  await using opened = await open();
  const { server, verify } = opened;
  await server.publishList(2, [], { announced: false });
  for (const list of [1, 2]) {
    await expect(opened.look(LIST_SIZE, list)).rejects.toThrow(RangeError);
    await expect(verify(await opened.issueAt(LIST_SIZE, server.listUri(list)))).rejects.toMatchObject({
      name: 'InvalidAccessTokenError',
      reason: 'invalid',
    });
  }
});

test('a list that the issuer does not announce is rejected without a request', async () => {
  await using opened = await open();
  const { server, verify } = opened;
  await using other = await startTokenIssuer({ audience });
  const before = new Map(server.requests);
  for (const uri of [
    other.listUri(1),
    `${server.identifier}/elsewhere/1`,
    `${server.identifier}/status-lists`,
    `${server.identifier}/status-lists-too/1`,
    `${server.identifier}.evil.example/status-lists/1`,
    ...['', '1?x', '1#x', '1/', '1/2', '../jwks', '.', '1.0', '%31', ' 1', '1\n', 'a'.repeat(65)].map(
      (id) => `${server.identifier}/status-lists/${id}`,
    ),
    'file:///etc/passwd',
    '',
  ]) {
    await expect(opened.look(0, uri)).rejects.toThrow(UnknownStatusListError);
    await expect(verify(await opened.issueAt(0, uri))).rejects.toMatchObject({ reason: 'invalid' });
  }
  expect(server.requests.get('/status-lists/1')).toBe(before.get('/status-lists/1'));
  expect(server.requests.has('/elsewhere/1')).toBe(false);
  expect(other.requests.size).toBe(0);
  // and one that is below it, but is not there
  for (const id of ['99', '01', '1e0', 'a_-Z', 'a'.repeat(64)])
    await expect(opened.look(0, `${server.identifier}/status-lists/${id}`)).rejects.toThrow(UnknownStatusListError);
});

test('an older copy undoes no revocation', async () => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(1, [5, 9]);
  await vi.waitFor(async () => expect(await opened.look(5)).toBe(true), 10_000);
  await server.publishList(1, [9, 11]);
  await vi.waitFor(async () => expect(await opened.look(11)).toBe(true), 10_000);
  expect([await opened.look(5), await opened.look(9), await opened.look(12)]).toEqual([true, true, false]);
});

const basic = `Basic ${Buffer.from('api:secret').toString('base64')}`;

test('every request for status lists is authenticated', async () => {
  await using opened = await open();
  const { server } = opened;
  await server.publishList(2, [7], { announced: false });
  expect(await opened.look(7, 2)).toBe(true);
  expect(server.authorizations.length).toBeGreaterThan(3);
  expect(new Set(server.authorizations)).toEqual(new Set([basic]));
});

test.each([401, 403, 429])(
  'credentials that are rejected with %i are not sent for a while, and revocations still arrive',
  async (status) => {
    await using server = await startTokenIssuer({ audience });
    server.rejectAuthorization(status);
    let ahead = 0;
    const warnings: object[] = [];
    const logger = { warn: (fields: object) => void warnings.push(fields) };
    await using reader = readerOf(server, { now: () => Date.now() + ahead, logger });
    await reader.ready();
    const revoke = async (index: number) => {
      await server.publishList(1, [index], { included: true });
      await vi.waitFor(() => expect(reader.isRevoked({ idx: index, uri: server.listUri(1) })).toBe(true), 10_000);
    };
    await revoke(1);
    await revoke(2);
    const rejected = { event: 'status_lists.credentials_rejected', client_id: 'api', status };
    expect(warnings).toEqual([rejected]);
    expect(server.authorizations.filter(Boolean)).toEqual([basic]);

    // after 30 seconds the credentials are sent once more, and then after a minute
    ahead += 31_000;
    await revoke(3);
    await vi.waitFor(() => expect(warnings).toEqual([rejected, rejected]), 10_000);
    ahead += 31_000;
    await revoke(4);
    expect(server.authorizations.filter(Boolean)).toEqual([basic, basic]);
    server.rejectAuthorization(undefined);
    ahead += 31_000;
    await revoke(5);
    await vi.waitFor(() => expect(server.authorizations.slice(-1)).toEqual([basic]), 10_000);
    expect(warnings).toHaveLength(2);
  },
);

test('a redirect is not followed with the credentials', async () => {
  await using server = await startTokenIssuer({ audience });
  await using other = await startTokenIssuer({ audience });
  const issuer = createIssuer({
    identifier: server.identifier,
    fetch: async (input, init) => {
      if (!String(input).endsWith('/status-lists')) return fetch(input, init);
      await fetch(input, init);
      return init?.redirect === 'manual'
        ? new Response(null, { status: 302, headers: { location: `${other.identifier}/status-lists` } })
        : fetch(`${other.identifier}/status-lists`, init);
    },
  });
  await using _reader = openStatusListReader({
    issuer,
    credentials,
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  await vi.waitFor(() => expect(server.authorizations.length).toBeGreaterThan(2), 10_000);
  expect(other.requests.size).toBe(0);
});

test('when the issuer does not let a request wait, the reader asks once a second', async () => {
  await using opened = await open();
  const { server } = opened;
  server.refuseToWait();
  const before = server.acknowledgedTags.length;
  await delay(1_500);
  // the request that was waiting, and one or two after it
  expect(server.acknowledgedTags.length - before).toBeLessThanOrEqual(3);
  await server.publishList(1, [5], { included: true });
  await vi.waitFor(async () => expect(await opened.look(5)).toBe(true), 10_000);
});

test('two processes of the issuer that disagree are not asked in a tight loop', async () => {
  await using server = await startTokenIssuer({ audience });
  let requests = 0;
  const issuer = createIssuer({
    identifier: server.identifier,
    fetch: async (input, init) => {
      if (!String(input).endsWith('/status-lists')) return fetch(input, init);
      requests += 1;
      // as of two processes that have read different keys from the same database
      const keys = requests % 2 === 0 ? 'process1' : 'process2';
      const response = await fetch(input, { ...init, headers: {} });
      return new Response(await response.text(), { headers: { etag: `W/"1-1.1-${keys}"` } });
    },
  });
  const logger = createLogger({ name: 'test', level: 'silent' });
  await using reader = openStatusListReader({ issuer, logger });
  await reader.ready();
  const before = requests;
  await delay(1_000);
  expect(requests - before).toBeLessThanOrEqual(21);
});

/** Opens a reader and a verifier with the same keys, as a resource server has them. */
async function openWithKeys() {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startTokenIssuer({ audience }));
  const issuer = createIssuer({ identifier: server.identifier });
  const logger = createLogger({ name: 'test', level: 'silent' });
  const reader = opening.use(openStatusListReader({ issuer, credentials, logger }));
  await reader.ready();
  const { identifier } = server;
  const verify = createAccessTokenVerifier({
    issuer: identifier,
    audience,
    keys: issuer.keys,
    isRevoked: reader.isRevoked,
  });
  const opened = opening.move();
  const isAcknowledged = () => server.acknowledgedTags.includes(server.aggregationTag());
  return {
    server,
    reader,
    verify,
    isAcknowledged,
    acknowledged: () => vi.waitFor(() => expect(isAcknowledged()).toBe(true), { timeout: 10_000, interval: 2 }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('keys that the issuer announces are fetched before their announcement is acknowledged', async () => {
  await using opened = await openWithKeys();
  const { server } = opened;
  await opened.verify(await server.issue());
  const release = server.holdResponses('/jwks');
  await server.replaceKey();
  server.announceKeys([server.keyId()]);
  await vi.waitFor(() => expect(server.requests.get('/jwks')).toBe(2), 10_000);
  await delay(50);
  expect(opened.isAcknowledged()).toBe(false);
  release();
  await opened.acknowledged();
  // the first token of the new key causes no request
  await opened.verify(await server.issue());
  server.announceKeys([server.keyId()]);
  await opened.acknowledged();
  expect(server.requests.get('/jwks')).toBe(2);
});

test('a revoked key is rejected although the JWKS still has it, also when a process of the issuer lags behind', async () => {
  await using opened = await openWithKeys();
  const { server, verify } = opened;
  const kid = server.keyId();
  const [known, unknown] = [await server.issue(), await server.issue()];
  await verify(known);
  server.announceKeys([], [kid]);
  await opened.acknowledged();
  for (const token of [known, unknown])
    await expect(async () => verify(token)).rejects.toMatchObject({ reason: 'invalid' });
  server.announceKeys([kid], []);
  await opened.acknowledged();
  await expect(async () => verify(known)).rejects.toMatchObject({ reason: 'invalid' });
});

test('a key that is revoked while the JWKS with it is on its way is rejected', async () => {
  await using opened = await openWithKeys();
  const { server } = opened;
  await opened.verify(await server.issue());
  // the keys are fetched for an unknown id at most once a second
  await delay(1_100);
  await server.replaceKey();
  const token = await server.issue();
  const release = server.holdResponses('/jwks');
  const verified = Promise.allSettled([opened.verify(token)]);
  await vi.waitFor(() => expect(server.requests.get('/jwks')).toBe(2), 10_000);
  server.announceKeys([], [server.keyId()]);
  await delay(200);
  release();
  expect(await verified).toMatchObject([{ status: 'rejected', reason: { reason: 'invalid' } }]);
});

test('while announced keys are missing nothing is acknowledged, but revocations are applied', async () => {
  await using opened = await openWithKeys();
  const { server, reader } = opened;
  server.announceKeys(['missing', server.keyId()]);
  await server.publishList(1, [5]);
  await vi.waitFor(async () => expect(await reader.isRevoked({ idx: 5, uri: server.listUri(1) })).toBe(true), 10_000);
  const requests = () => server.requests.get('/jwks') ?? 0;
  const before = requests();
  await vi.waitFor(() => expect(requests()).toBeGreaterThan(before), 10_000);
  expect(opened.isAcknowledged()).toBe(false);
  server.announceKeys([server.keyId()]);
  await opened.acknowledged();
});

test('a token that names no key is rejected', async () => {
  await using opened = await openWithKeys();
  const token = await opened.server.issue({ header: { kid: undefined } });
  await expect(async () => opened.verify(token)).rejects.toMatchObject({ reason: 'invalid' });
});
