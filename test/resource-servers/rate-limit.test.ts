import { expect, test } from 'vitest';
import { requestTodos } from '../support/request-todos.ts';
import { startSystem } from '../support/start-system.ts';

test('the API limits the requests of a subject over all its access tokens, and not those of other subjects', async () => {
  await using system = await startSystem({ API_RATE_LIMIT: '2' });
  const [busy, other] = [await system.registerClient(), await system.registerClient()];
  const list = async (token: string) => {
    const { status, headers } = await requestTodos(system.apiResource, token);
    return {
      status,
      policy: headers.get('ratelimit-policy'),
      left: headers.get('ratelimit'),
      type: headers.get('content-type'),
      retryAfter: headers.get('retry-after'),
    };
  };
  const policy = '"default";q=2;w=60';
  const token = await system.getAccessToken(busy);
  expect(await list(token)).toMatchObject({ status: 200, policy, left: '"default";r=1;t=60' });
  // a request that needs another scope counts too
  const reader = await system.getAccessToken(busy, { scope: 'todos:read' });
  const created = await requestTodos(system.apiResource, reader, { method: 'POST' });
  expect({ status: created.status, left: created.headers.get('ratelimit') }).toEqual({
    status: 403,
    left: expect.stringMatching(/^"default";r=0;t=\d+$/),
  });
  const rejected = await list(await system.getAccessToken(busy));
  expect(rejected).toMatchObject({
    status: 429,
    policy,
    left: `"default";r=0;t=${rejected.retryAfter}`,
    type: 'application/problem+json',
    retryAfter: expect.stringMatching(/^[1-9]\d?$/),
  });
  expect(await list(await system.getAccessToken(other))).toMatchObject({ status: 200, left: '"default";r=1;t=60' });
  // without an access token there is no subject, and so no limit
  expect(await list('none')).toMatchObject({ status: 401, policy: null, left: null });
});
