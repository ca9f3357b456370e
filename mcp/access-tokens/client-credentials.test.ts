import { expect, test, vi } from 'vitest';
import type { IssuedAccessToken } from '../../shared/oauth-client/token-request.ts';
import { createClientCredentialsSource } from './client-credentials.ts';

function open(lifetime: number) {
  let time = 0;
  let issued = 0;
  const requestAccessToken = vi.fn(
    async (_grantType: string, _parameters: Record<string, string>): Promise<IssuedAccessToken> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      issued += 1;
      return { value: `token-${issued}`, issuedAt: time, expiresAt: time + lifetime, scopes: undefined };
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

test('many calls that wait share one request', async () => {
  const { source, requestAccessToken } = open(3_600_000);
  const tokens = await Promise.all(Array.from({ length: 200 }, () => source.get()));
  expect(new Set(tokens)).toEqual(new Set(['token-1']));
  expect(requestAccessToken.mock.calls).toEqual([['client_credentials', { resource: 'http://api.example' }]]);
});

test('an access token is kept until a minute before its end', async () => {
  const { source, elapse } = open(3_600_000);
  expect(await source.get()).toBe('token-1');
  elapse(3_540_000 - 1);
  expect(await source.get()).toBe('token-1');
  elapse(1);
  expect(await source.get()).toBe('token-2');
});

test('one that lives for less than two minutes is kept for half its life', async () => {
  const { source, elapse } = open(30_000);
  expect(await source.get()).toBe('token-1');
  elapse(14_999);
  expect(await source.get()).toBe('token-1');
  elapse(1);
  expect(await source.get()).toBe('token-2');
});

test('one that was refused is not handed out again, and a late refusal drops no newer one', async () => {
  const { source } = open(3_600_000);
  expect(await source.get()).toBe('token-1');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
});

test('a request that failed is made anew by the next call', async () => {
  const { source, requestAccessToken } = open(3_600_000);
  requestAccessToken.mockRejectedValueOnce(new Error('away'));
  await expect(Promise.all([source.get(), source.get()])).rejects.toThrow('away');
  expect(await source.get()).toBe('token-1');
});
