import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { getFreePort } from '../shared/testing/free-port.ts';
import { createPatientFetch, FOR_TODO_API } from './patient-fetch.ts';

const TIMES = { total: 10_000, attempt: 1_000, absent: 2_000, notice: 2_000, pause: 10 };
const CREATE = [
  'POST /admin/clients',
  'POST /admin/clients/demo/secrets',
  'POST /admin/invitations',
  'POST /admin/users/ada/recoveries',
  'DELETE /admin/clients/demo',
  'POST /auth/admin/clients',
  'POST /behind/a/proxy/admin/clients/demo/secrets',
  'POST /auth/admin/users/ada/recoveries',
  'DELETE /auth/admin/clients/demo',
];
const REPEATABLE = [
  'GET /.well-known/oauth-authorization-server',
  'POST /oauth/token',
  'PATCH /admin/clients/demo',
  'PATCH /admin/users/ada',
  'POST /admin/revocations',
  'GET /admin/clients',
  'POST /auth/admin/revocations',
];

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const ok: Answer = (response) => response.end('ok');
const reset: Answer = (response) => response.destroy();
const silent: Answer = () => undefined;
const unavailable: Answer = (response) => response.writeHead(503).end('busy');
const late =
  (milliseconds: number): Answer =>
  async (response) => {
    await delay(milliseconds);
    response.end('ok');
  };

/** Starts a server that gives one answer after the other, the last one repeatedly. */
async function serve(answers: readonly Answer[], port = 0) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    requests.push(`${request.method} ${request.url}`);
    (answers[Math.min(requests.length, answers.length) - 1] ?? ok)(response, request);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    requests,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(
  origin: string,
  request: string,
  times: Partial<typeof TIMES> = {},
  headers: Record<string, string> = {},
) {
  const [method = '', path = ''] = request.split(' ');
  const notices: string[] = [];
  const patientFetch = createPatientFetch({ notify: (text) => notices.push(text), times: { ...TIMES, ...times } });
  // the signal of the caller is ignored: it allows less time than an administrator has
  const response = patientFetch(`${origin}${path}`, { method, headers, signal: AbortSignal.timeout(1) });
  return { response, notices };
}

test.each([
  ['is reset', reset],
  ['gets no answer', silent],
  ['gets 503', unavailable],
])('a request that %s is repeated', async (_way, answer) => {
  for (const request of REPEATABLE) {
    await using server = await serve([answer, answer, ok]);
    const { response } = send(server.origin, request, { attempt: 600 });
    expect(await (await response).text()).toBe('ok');
    expect(server.requests).toEqual([request, request, request]);
  }
});

test('an answer that is late is waited for, and the user reads so once', async () => {
  await using server = await serve([late(400)]);
  for (const request of [...REPEATABLE, ...CREATE]) {
    const { response, notices } = send(server.origin, request, { notice: 50 });
    expect((await response).status).toBe(200);
    expect(notices).toEqual(['The authorization server has not answered yet. Waiting up to 10 seconds …']);
  }
  expect(server.requests).toEqual([...REPEATABLE, ...CREATE]);
});

test('an answer that is in time causes no notice', async () => {
  await using server = await serve([ok]);
  const { response, notices } = send(server.origin, 'GET /admin/clients', { notice: 200 });
  await response;
  await delay(300);
  expect(notices).toEqual([]);
});

test('Retry-After says when a request is repeated', async () => {
  await using server = await serve([(response) => response.writeHead(503, { 'retry-after': '1' }).end(), ok]);
  const began = performance.now();
  expect((await send(server.origin, 'GET /admin/clients').response).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThan(900);
});

test.each(['-5', '0', 'soon'])('the pause between two attempts is kept when Retry-After is %s', async (retryAfter) => {
  const busy: Answer = (response) => response.writeHead(503, { 'retry-after': retryAfter }).end('busy');
  await using server = await serve([busy]);
  const { response } = send(server.origin, 'GET /admin/clients', { total: 500, pause: 100 });
  expect((await response).status).toBe(503);
  expect(server.requests.length).toBeGreaterThan(1);
  expect(server.requests.length).toBeLessThanOrEqual(5);
});

test('a request that may have created or deleted something is not repeated', async () => {
  for (const request of CREATE) {
    for (const answer of [reset, silent]) {
      await using server = await serve([answer, ok]);
      await expect(send(server.origin, request, { total: 300 }).response).rejects.toThrow(
        'The authorization server did not answer, but may have carried out the command. Run `audit` to see whether it did.',
      );
      expect(server.requests).toEqual([request]);
    }
    await using server = await serve([unavailable, ok]);
    expect((await send(server.origin, request).response).status).toBe(503);
    expect(server.requests).toEqual([request]);
  }
});

test('a refused connection is tried again for a moment, because auth may be restarting', async () => {
  for (const request of [...REPEATABLE, ...CREATE]) {
    const port = await getFreePort();
    const { response } = send(`http://127.0.0.1:${port}`, request);
    await delay(50);
    await using server = await serve([ok], port);
    expect((await response).status).toBe(200);
    expect(server.requests).toEqual([request]);
  }
});

test('when nothing listens, the command fails with the cause', async () => {
  const origin = `http://127.0.0.1:${await getFreePort()}`;
  const { response } = send(origin, 'POST /admin/clients', { absent: 100 });
  await expect(response).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});

test('a failure that a repetition does not mend is reported at once', async () => {
  // fetch refuses to connect to this port
  for (const request of ['GET /admin/clients', 'POST /admin/clients'])
    await expect(send('http://127.0.0.1:1', request).response).rejects.toMatchObject({
      cause: { message: 'bad port' },
    });
});

test('at the end of its time a command gets the last answer, or the last failure', async () => {
  await using server = await serve([unavailable]);
  const { response } = send(server.origin, 'GET /admin/clients', { total: 2_000 });
  expect((await response).status).toBe(503);
  expect(server.requests.length).toBeGreaterThan(2);
  await using hanging = await serve([silent]);
  const failed = send(hanging.origin, 'GET /admin/clients', { total: 1_000, attempt: 400 }).response;
  await expect(failed).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('a request that waits for the resource servers has its time for itself, and is not repeated', async () => {
  await using server = await serve([late(400)]);
  const request = 'GET /admin/revocations/7';
  const { response, notices } = send(
    server.origin,
    request,
    { total: 3_000, attempt: 100, notice: 100 },
    { prefer: 'wait=25' },
  );
  expect((await response).status).toBe(200);
  expect(notices).toEqual([]);
  expect(server.requests).toEqual([request]);
});

test('a request to the todo API is also repeated when its subject has no points left', async () => {
  const limited: Answer = (response) => response.writeHead(429).end();
  await using server = await serve([limited]);
  expect((await send(server.origin, 'POST /oauth/token').response).status).toBe(429);
  expect(server.requests).toHaveLength(1);

  await using api = await serve([limited, limited, ok]);
  const patientFetch = createPatientFetch({ notify: () => undefined, patience: FOR_TODO_API, times: TIMES });
  expect((await patientFetch(`${api.origin}/api/v1/todos/import`, { method: 'POST' })).status).toBe(200);
  expect(api.requests).toHaveLength(3);
});

test.each([
  ['takes no more todos at the moment', (response: ServerResponse) => response.writeHead(429).end()],
  ['has not answered yet', reset],
  ['has not answered yet', unavailable],
  ['has not answered yet', late(500)],
])('a notice says that the todo API %s', async (reason, answer) => {
  await using api = await serve([answer, ok]);
  const notices: string[] = [];
  const times = { ...TIMES, notice: 100, pause: 300 };
  const patientFetch = createPatientFetch({ notify: (text) => notices.push(text), patience: FOR_TODO_API, times });
  await patientFetch(api.origin);
  expect(notices).toEqual([`The todo API ${reason}. Waiting up to 10 seconds …`]);
});

test('each request to the todo API has its time for itself', async () => {
  await using api = await serve([ok, unavailable, ok]);
  const times = { ...TIMES, total: 1_000 };
  const patientFetch = createPatientFetch({ notify: () => undefined, patience: FOR_TODO_API, times });
  const request = () => patientFetch(`${api.origin}/api/v1/todos/import`, { method: 'POST' });
  await request();
  await delay(times.total);
  expect((await request()).status).toBe(200);
  expect(api.requests).toHaveLength(3);
});
