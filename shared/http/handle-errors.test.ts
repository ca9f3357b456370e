import Koa from 'koa';
import pg from 'pg';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { DatabaseBusyError } from '../database/database-unavailable.ts';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';
import { getFreePort } from '../testing/free-port.ts';
import { PROBLEMS } from '../todo/problems.ts';
import { handleErrors, renderProblem } from './handle-errors.ts';
import { HttpError, ServiceUnavailableError } from './http-error.ts';
import { identifyRequest } from './request-id.ts';
import { serve } from './serve.ts';

async function answerTo(fail: () => unknown) {
  const lines: string[] = [];
  const app = new Koa();
  const logger = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  app.use(identifyRequest);
  app.use(handleErrors({ logger, render: renderProblem }));
  app.use(fail);
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const response = await fetch(`http://127.0.0.1:${server.port}/here`);
  const logged = lines.map((line) => JSON.parse(line));
  return { status: response.status, headers: response.headers, body: await response.json(), logged };
}

test('a database that cannot be reached gives 503 with Retry-After', async () => {
  const port = await getFreePort();
  const pool = new pg.Pool({ host: '127.0.0.1', port });
  const { status, headers, body, logged } = await answerTo(() => pool.query('select 1'));
  expect(status).toBe(503);
  expect(headers.get('retry-after')).toBe('1');
  expect(body).toMatchObject({ status: 503, code: 'database_unavailable', detail: 'The database cannot be reached' });
  expect(logged).toMatchObject([{ level: 50, err: { code: 'ECONNREFUSED' } }]);
});

test('a database for which too many requests wait is not reported as unreachable', async () => {
  const { status, headers, body } = await answerTo(() => {
    throw new Error('select 1', { cause: new DatabaseBusyError() });
  });
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body).toMatchObject({
    code: 'database_unavailable',
    detail: 'Too many requests are waiting for the database',
  });
});

test('a fault of the server gives 500 without details, and is logged with the request id', async () => {
  const { status, headers, body, logged } = await answerTo(() => {
    throw new Error('secret');
  });
  expect(status).toBe(500);
  const request_id = headers.get('x-request-id');
  expect(request_id).toBeTruthy();
  expect(logged).toMatchObject([{ event: 'request.failed', method: 'GET', path: '/here', request_id }]);
  expect(JSON.stringify(body)).not.toContain('secret');
});

test('the reason of a rejection is logged at debug, without what the client sent', async () => {
  const { logged } = await answerTo(() => {
    throw new HttpError('access_token_expired', 'no', {
      cause: Object.assign(new Error('eyJ.secret'), { reason: 'expired' }),
    });
  });
  expect(logged).toMatchObject([
    { level: 20, method: 'GET', path: '/here', status: 401, code: 'access_token_expired', reason: 'expired' },
  ]);
  expect(JSON.stringify(logged)).not.toContain('secret');
});

test.each([
  [507, new HttpError('quota_exceeded', 'full', { members: { limit: 1, used: 1, unit: 'todos' } })],
  [503, new ServiceUnavailableError('too_many_concurrent_writes', 'too many')],
])('a %i that the subject causes is logged at debug, because the server has no fault', async (expected, error) => {
  const { status, logged } = await answerTo(() => {
    throw error;
  });
  expect(status).toBe(expected);
  expect(logged).toMatchObject([{ level: 20, event: 'request.rejected', status, code: error.code }]);
});

test('a rejection without a cause is logged at debug too, with its code and the request id', async () => {
  const { headers, logged } = await answerTo(() => undefined);
  const request_id = headers.get('x-request-id');
  expect(logged).toMatchObject([{ level: 20, event: 'request.rejected', status: 404, code: 'not_found', request_id }]);
});

test('an authorization server that cannot be reached gives 503 with its Retry-After', async () => {
  const { status, headers, body } = await answerTo(() => {
    throw new AuthorizationServerUnavailableError('unreachable', { retryAfter: 7 });
  });
  expect(status).toBe(503);
  expect(headers.get('retry-after')).toBe('7');
  expect(body).toMatchObject({ code: 'authorization_server_unavailable', detail: 'unreachable' });
});

test('the title of every problem is the phrase that RFC 9110 gives its status', () => {
  // RFC 9110 §15, RFC 6585 §4, RFC 4918 §11, written out: Node has older phrases for some of them
  const phrases: Record<number, string> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    406: 'Not Acceptable',
    408: 'Request Timeout',
    409: 'Conflict',
    410: 'Gone',
    412: 'Precondition Failed',
    413: 'Content Too Large',
    415: 'Unsupported Media Type',
    422: 'Unprocessable Content',
    424: 'Failed Dependency',
    429: 'Too Many Requests',
    500: 'Internal Server Error',
    503: 'Service Unavailable',
    507: 'Insufficient Storage',
  };
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    const { title } = new HttpError(code as keyof typeof PROBLEMS, 'detail');
    expect({ code, title }).toEqual({ code, title: phrases[status] });
  }
});
