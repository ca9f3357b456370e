import { expect, test } from 'vitest';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { detectRejection } from './detect-rejection.ts';

/** A source that returns `token-1`, and after each rejection the next one. */
function createSource() {
  let current = 1;
  return {
    get: async () => `token-${current}`,
    reject(accessToken: string) {
      if (accessToken === `token-${current}`) current += 1;
    },
  };
}

test('parallel rejections of one access token do not count, the rejection of a renewed one does', async () => {
  const { source, findRejection } = detectRejection(createSource());
  expect(await Promise.all([source.get(), source.get()])).toEqual(['token-1', 'token-1']);
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
  source.reject('token-1');
  expect(findRejection()).toBeUndefined();
  source.reject('token-2');
  expect(findRejection()).toMatchObject({ error: 'invalid_token' });
});

test.each([
  ['invalid_grant', true],
  ['invalid_client', false],
])('the error %s of the token exchange rejects the caller: %s', async (error, rejectsCaller) => {
  const { source, findRejection } = detectRejection({
    get: () => Promise.reject(new AccessTokenRejectedError(error)),
    reject: () => {},
  });
  await expect(source.get()).rejects.toMatchObject({ error });
  expect(findRejection() !== undefined).toBe(rejectsCaller);
});
