import { expect, test, vi } from 'vitest';
import type { IssuedAccessToken } from '../../shared/oauth-client/token-request.ts';
import { createClientCredentialsSource } from './client-credentials.ts';

function createSource(lifetimeMs: number) {
  let time = 0;
  let issued = 0;
  const requestAccessToken = vi.fn(
    async (_grantType: string, _parameters: Record<string, string>): Promise<IssuedAccessToken> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      issued += 1;
      return { value: `token-${issued}`, issuedAt: time, expiresAt: time + lifetimeMs, scopes: undefined };
    },
  );
  const source = createClientCredentialsSource({
    requestAccessToken,
    resource: async () => 'http://api.example',
    now: () => time,
  });
  return {
    source,
    requestAccessToken,
    elapse: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

test('calls that wait for an access token share one request', async () => {
  const { source, requestAccessToken } = createSource(3_600_000);
  const tokens = await Promise.all(Array.from({ length: 200 }, () => source.get()));
  expect(new Set(tokens)).toEqual(new Set(['token-1']));
  expect(requestAccessToken.mock.calls).toEqual([['client_credentials', { resource: 'http://api.example' }]]);
});

test('an access token is cached until a minute before it expires', async () => {
  const { source, elapse } = createSource(3_600_000);
  expect(await source.get()).toBe('token-1');
  elapse(3_540_000 - 1);
  expect(await source.get()).toBe('token-1');
  elapse(1);
  expect(await source.get()).toBe('token-2');
});

test('an access token with a lifetime under two minutes is cached for half its lifetime', async () => {
  const { source, elapse } = createSource(30_000);
  expect(await source.get()).toBe('token-1');
  elapse(14_999);
  expect(await source.get()).toBe('token-1');
  elapse(1);
  expect(await source.get()).toBe('token-2');
});

test('a rejected access token is not returned again, and a late rejection does not remove a newer one', async () => {
  const { source } = createSource(3_600_000);
  expect(await source.get()).toBe('token-1');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
});

test('the next call repeats a failed request', async () => {
  const { source, requestAccessToken } = createSource(3_600_000);
  requestAccessToken.mockRejectedValueOnce(new Error('unreachable'));
  await expect(Promise.all([source.get(), source.get()])).rejects.toThrow('unreachable');
  expect(await source.get()).toBe('token-1');
});
