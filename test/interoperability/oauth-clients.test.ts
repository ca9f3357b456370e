import { readFileSync } from 'node:fs';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { readResponse } from '../support/read-response.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { RecordedRequest, sendRecordedRequest } from '../support/send-recorded-request.ts';
import { type System, startSystem } from '../support/start-system.ts';

const readFixture = (name: string): unknown =>
  JSON.parse(readFileSync(`test/fixtures/oauth-clients/${name}.json`, 'utf8'));

const goClient = z
  .object({
    version: z.string(),
    issuer: z.url(),
    clientId: z.string(),
    issuedAt: z.iso.datetime().transform((time) => Date.parse(time)),
    jwk: z.record(z.string(), z.string()),
    assertion: z.string(),
  })
  .parse(readFixture('golang-jwt'));
const springSecurity = z
  .object({ requests: z.array(RecordedRequest.extend({ version: z.string() })) })
  .parse(readFixture('spring-security'));

let system: System;
let origin: string;
let tokenEndpoint: string;
beforeAll(async () => {
  // the assertion was signed for this issuer; connections go to the loopback address
  const port = String(await getFreePort());
  origin = `http://127.0.0.1:${port}`;
  system = await startSystem({ AUTH_PORT: port, AUTH_ISSUER: goClient.issuer, AUTH_URL: origin });
  tokenEndpoint = `${origin}/oauth/token`;
  await system.registerClient({
    clientId: goClient.clientId,
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [goClient.jwk] },
  });
});
afterAll(() => system[Symbol.asyncDispose]());
afterEach(() => {
  vi.useRealTimers();
});

const authenticateWithGo = async (assertion: string) =>
  readResponse(
    await fetch(tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    }),
  );

test(`the client assertion of golang-jwt ${goClient.version} has a list as audience and no key id, and is accepted`, async () => {
  expect(decodeJwt(goClient.assertion).aud).toEqual([goClient.issuer]);
  expect(decodeProtectedHeader(goClient.assertion)).toEqual({ alg: 'ES256', typ: 'JWT' });
  vi.useFakeTimers({ toFake: ['Date'], now: goClient.issuedAt + 1_000 });
  expect(await authenticateWithGo(goClient.assertion)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
});

test('the client assertion of golang-jwt is rejected with another signature, and after its time', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: goClient.issuedAt + 1_000 });
  const [header, payload, signature = ''] = goClient.assertion.split('.');
  const otherSignature = [header, payload, signature.split('').reverse().join('')].join('.');
  expect(await authenticateWithGo(otherSignature)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  vi.setSystemTime(goClient.issuedAt + 3_600_000);
  expect(await authenticateWithGo(goClient.assertion)).toMatchObject({
    status: 401,
    body: { error_description: expect.stringContaining('seconds in the past: check the clock of the client') },
  });
});

test.each(springSecurity.requests)('the token exchange of Spring Security $version succeeds', async (recorded) => {
  const caller = await system.registerClient();
  const requestToken = async (values: Record<string, string>) => {
    const { status, body } = await sendRecordedRequest(tokenEndpoint, recorded, values);
    return { status, body: z.record(z.string(), z.unknown()).parse(JSON.parse(body)) };
  };
  const subject = await requestAccessToken(origin, caller, { resource: system.mcpResource });
  const basic = basicAuthorization({ id: 'mcp', secret: String(system.environment.MCP_CLIENT_SECRET) });
  const exchanged = await requestToken({ basic, subject_token: subject });
  expect(exchanged).toMatchObject({ status: 200, body: { token_type: 'Bearer', scope: 'todos:read' } });
  expect(decodeJwt(String(exchanged.body.access_token))).toMatchObject({
    sub: caller.id,
    act: { sub: 'mcp' },
    aud: system.apiResource,
  });

  expect(await requestToken({ basic, subject_token: `${subject}x` })).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
  const another = basicAuthorization({ id: 'mcp', secret: 'x'.repeat(43) });
  expect(await requestToken({ basic: another, subject_token: subject })).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
  });
});
