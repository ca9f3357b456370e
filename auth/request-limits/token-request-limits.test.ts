import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTokenRequestLimits, TOKEN_REQUEST_QUOTAS, TooManyTokenRequestsError } from './token-request-limits.ts';

beforeEach(() => {
  vi.useFakeTimers();
  // the cache takes a start at 0 for none
  vi.advanceTimersByTime(1);
});
afterEach(() => {
  vi.useRealTimers();
});

function create() {
  const lines: object[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return {
    lines,
    ...createTokenRequestLimits({
      logger,
      quotas: { tokens: 3, exchanges: 2, rejections: 1, revocations: 2, introspections: 1 },
    }),
  };
}

test('a quota is available again a minute after the first request that was counted', () => {
  const { countToken, requireQuota } = create();
  for (let index = 0; index < 3; index += 1) {
    requireQuota('token', 'client');
    countToken('client');
  }
  vi.advanceTimersByTime(30_000);
  for (const request of [countToken, (clientId: string) => requireQuota('token', clientId)]) {
    expect(() => request('client')).toThrow(TooManyTokenRequestsError);
    expect(() => request('client')).toThrow(expect.objectContaining({ waitMs: 30_000 }));
    request('another');
  }
  // a request beyond the quota does not make the wait longer
  vi.advanceTimersByTime(30_001);
  requireQuota('token', 'client');
  countToken('client');
});

test('exchanges are counted for each client and subject', () => {
  const { countExchange } = create();
  for (let index = 0; index < 2; index += 1) countExchange('mcp', 'one');
  expect(() => countExchange('mcp', 'one')).toThrow('2 access tokens of this subject were exchanged by this client');
  countExchange('mcp', 'two');
  countExchange('another', 'one');
});

test('rejections use up the quota of a client', () => {
  const { countRejection, requireQuota } = create();
  requireQuota('token', 'client');
  expect(countRejection('client')).toBeUndefined();
  expect(() => requireQuota('token', 'client')).toThrow('1 token requests of this client were rejected');
  expect(countRejection('client')).toBeInstanceOf(TooManyTokenRequestsError);
  expect(countRejection('another')).toBeUndefined();
});

test('the revocation and the introspection endpoint each have a quota for each client', () => {
  const { countRequest, countRejection, requireQuota } = create();
  countRejection('client');
  for (let index = 0; index < 2; index += 1) {
    requireQuota('revocation', 'client');
    countRequest('revocation', 'client');
  }
  for (const request of [requireQuota, countRequest]) {
    expect(() => request('revocation', 'client')).toThrow('2 revocation requests of this client were answered');
    request('introspection', 'another');
  }
  countRequest('introspection', 'client');
  expect(() => countRequest('introspection', 'client')).toThrow(
    '1 introspection requests of this client were answered',
  );
  for (let index = 0; index < 5; index += 1) countRequest('token', 'client');
});

test('a client that exceeds a quota is logged once a minute', () => {
  const { countRejection, lines } = create();
  for (let index = 0; index < 5; index += 1) countRejection('client');
  expect(lines).toEqual([
    expect.objectContaining({ event: 'token_requests.limited', limit: 'rejections', client_id: 'client' }),
  ]);
  vi.advanceTimersByTime(60_001);
  for (let index = 0; index < 5; index += 1) countRejection('client');
  expect(lines).toHaveLength(2);
});

test('a client whose request is rejected before it is counted is logged once a minute too', () => {
  const { countToken, countRejection, requireQuota, lines } = create();
  for (let index = 0; index < 3; index += 1) countToken('client');
  expect(lines).toEqual([]);
  for (let index = 0; index < 5; index += 1)
    expect(() => requireQuota('token', 'client')).toThrow(TooManyTokenRequestsError);
  expect(() => countToken('client')).toThrow(TooManyTokenRequestsError);
  expect(lines).toEqual([expect.objectContaining({ limit: 'tokens', client_id: 'client' })]);
  countRejection('another');
  for (let index = 0; index < 5; index += 1)
    expect(() => requireQuota('token', 'another')).toThrow(TooManyTokenRequestsError);
  expect(lines.slice(1)).toEqual([expect.objectContaining({ limit: 'rejections', client_id: 'another' })]);
});

test('the quotas are far above what a client needs', () => {
  expect(TOKEN_REQUEST_QUOTAS).toEqual({
    tokens: 6_000,
    exchanges: 600,
    rejections: 100,
    revocations: 6_000,
    introspections: 6_000,
  });
});
