import { setTimeout as delay } from 'node:timers/promises';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { StatusList } from '../../shared/resource-server/status-list.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
  // the first access token creates a list; on PostgreSQL auth adds it to the aggregation after a notification
  await system.getAccessToken(client);
  await vi.waitFor(async () => expect((await aggregate()).body?.status_lists).toHaveLength(1), 10_000);
});
afterAll(() => system[Symbol.asyncDispose]());

const revoke = (token: string) => postAsClient(`${system.issuer}/oauth/revoke`, client, { token });

const Aggregation = z.object({
  status_lists: z.array(z.string()),
  entity_tags: z.record(z.string(), z.string()),
  status_list_tokens: z.record(z.string(), z.string()).default({}),
});
const aggregate = async (headers: Record<string, string> = {}) => {
  const response = await fetch(`${system.issuer}/oauth/status-lists`, { headers });
  const body = response.status === 200 ? Aggregation.parse(await response.json()) : undefined;
  return { status: response.status, headers: response.headers, etag: response.headers.get('etag') ?? '', body };
};

test('the status lists are in the metadata, signed, and have the claims of the draft', async () => {
  const token = await system.getAccessToken(client);
  const { idx, uri } = z
    .object({ status_list: z.object({ idx: z.number(), uri: z.string() }) })
    .parse(decodeJwt(token).status).status_list;
  const metadata = await (await fetch(`${system.issuer}/.well-known/oauth-authorization-server`)).json();
  expect(metadata).toMatchObject({
    status_list_aggregation_endpoint: `${system.issuer}/oauth/status-lists`,
    revocation_endpoint: `${system.issuer}/oauth/revoke`,
    introspection_endpoint: `${system.issuer}/oauth/introspect`,
  });
  expect((await aggregate()).body?.status_lists).toContain(uri);

  const keys = createRemoteJWKSet(new URL(`${system.issuer}/oauth/jwks`));
  const read = async () => {
    const response = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } });
    expect(response.headers.get('content-type')).toBe('application/statuslist+jwt');
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const text = await response.text();
    expect(decodeProtectedHeader(text).typ).toBe('statuslist+jwt');
    const { payload } = await jwtVerify(text, keys, { subject: uri });
    expect(payload).toMatchObject({ ttl: 30, iat: expect.any(Number), exp: expect.any(Number) });
    expect(payload.exp).toBeGreaterThanOrEqual(decodeJwt(token).exp ?? 0);
    return { list: StatusList.decode(payload.status_list), etag: response.headers.get('etag') ?? '' };
  };
  const before = await read();
  expect(before.list.size).toBe(131_072);
  expect(before.list.isInvalid(idx)).toBe(false);
  expect((await fetch(uri, { headers: { 'if-none-match': before.etag } })).status).toBe(304);
  await revoke(token);
  const after = await read();
  expect(after.list.isInvalid(idx)).toBe(true);
  expect(after.etag).not.toBe(before.etag);
  // the aggregation contains the list that changed last, so a reader needs no second request
  const { body } = await aggregate();
  expect(body?.entity_tags[uri]).toBe(after.etag);
  const { payload } = await jwtVerify(body?.status_list_tokens[uri] ?? '', keys, { subject: uri });
  expect(StatusList.decode(payload.status_list).isInvalid(idx)).toBe(true);
  expect(await fetch(`${system.issuer}/oauth/status-lists/99999`)).toMatchObject({ status: 404 });
});

test('a list has one URI', async () => {
  const [uri = ''] = (await aggregate()).body?.status_lists ?? [];
  const id = Number(uri.split('/').at(-1));
  expect((await fetch(uri)).status).toBe(200);
  for (const alias of [`0${id}`, `${id}e0`, `0x${id}`, `+${id}`, `${id}.0`, `${id}/`, ` ${id}`])
    expect([alias, (await fetch(`${system.issuer}/oauth/status-lists/${alias}`)).status]).toEqual([alias, 404]);
  expect((await fetch(`${system.issuer}/oauth/status-lists/`)).status).toBe(404);
});

test.each(['1000', 'x', ''])('a list of the time %j is not available', async (time) => {
  const [uri = ''] = (await aggregate()).body?.status_lists ?? [];
  const response = await fetch(`${uri}?time=${time}`);
  expect(response.status).toBe(501);
  expect(await response.json()).toEqual({
    error: 'not_implemented',
    error_description: 'time: this server has only the current status list. Send the request without time.',
  });
});

test('the entity tags are weak and the same with and without compression', async () => {
  const [uri = ''] = (await aggregate()).body?.status_lists ?? [];
  for (const url of [uri, `${system.issuer}/oauth/status-lists`]) {
    const tagOf = async (encoding: string) => {
      const { headers } = await fetch(url, { headers: { 'accept-encoding': encoding } });
      expect(headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
      return headers.get('etag') ?? '';
    };
    const tag = await tagOf('gzip');
    expect(tag).toMatch(/^W\/"/);
    expect(await tagOf('identity')).toBe(tag);
    // also as an older version of a reader has it
    for (const known of [tag, tag.replace('W/', '')])
      expect((await fetch(url, { headers: { 'if-none-match': known } })).status).toBe(304);
  }
});

test('a page of any origin can read the lists, revalidate them and wait', async () => {
  const [uri = ''] = (await aggregate()).body?.status_lists ?? [];
  for (const url of [uri, `${system.issuer}/oauth/status-lists`]) {
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'if-none-match,prefer',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/If-None-Match.*Prefer/);
    const { headers } = await fetch(url, { headers: { origin: 'https://app.example' } });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')).toMatch(/ETag.*Preference-Applied/);
  }
});

test('a method that a list or the metadata does not have is rejected with the allowed ones', async () => {
  const [uri = ''] = (await aggregate()).body?.status_lists ?? [];
  for (const url of [
    uri,
    `${system.issuer}/oauth/status-lists`,
    `${system.issuer}/.well-known/oauth-authorization-server`,
  ])
    for (const method of ['POST', 'DELETE']) {
      const response = await fetch(url, { method });
      expect({ url, status: response.status, allow: response.headers.get('allow') }).toEqual({
        url,
        status: 405,
        allow: expect.stringContaining('GET'),
      });
    }
});

test('a waiting reader gets its response when a list changes, and not before', async () => {
  const token = await system.getAccessToken(client);
  const { etag } = await aggregate();
  expect((await aggregate({ 'if-none-match': etag })).status).toBe(304);
  const started = Date.now();
  expect((await aggregate({ 'if-none-match': etag, prefer: 'wait=1' })).status).toBe(304);
  expect(Date.now() - started).toBeGreaterThan(900);

  let answered = false;
  const waiting = aggregate({ 'if-none-match': etag, prefer: 'wait=20' }).finally(() => {
    answered = true;
  });
  await delay(200);
  expect(answered).toBe(false);
  await revoke(token);
  const answer = await waiting;
  expect(answer.status).toBe(200);
  expect(answer.etag).not.toBe(etag);
  expect(answer.headers.get('preference-applied')).toBe('wait');
  expect(answer.headers.get('vary')).toMatch(/prefer/i);
});
