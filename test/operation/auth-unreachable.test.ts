import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { openSplitInstallation } from '../support/open-split-installation.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { startBlockableProxy } from '../support/start-blockable-proxy.ts';
import type { TestClient } from '../support/start-system.ts';

test('with auth away what is known goes on serving, and what was missed is refused within a second of its return', async () => {
  await using installation = await openSplitInstallation();
  const { issuer, mcpResource, useAtApi, useAtMcp } = installation;
  await using way = await startBlockableProxy(installation.authPort);
  const client = installation.demo();
  const getBoth = async () =>
    [
      await requestAccessToken(issuer, client),
      await requestAccessToken(issuer, client, { resource: mcpResource }),
    ] as const;
  const use = async ([forApi, forMcp]: readonly [string, string]) => [await useAtApi(forApi), await useAtMcp(forMcp)];
  const revokeBoth = async (tokens: readonly [string, string]) => {
    for (const token of tokens) expect((await revoke(issuer, client, token)).status).toBe(200);
  };

  await using auth = await installation.startAuth();
  await using _api = await installation.startApi({ AUTH_URL: way.url });
  await using _mcp = await installation.startMcp({ AUTH_URL: way.url });
  const [good, known, missed, later] = [await getBoth(), await getBoth(), await getBoth(), await getBoth()];
  for (const tokens of [good, known, missed, later]) expect(await use(tokens)).toEqual([200, 200]);
  await revokeBoth(known);
  await vi.waitFor(async () => expect(await use(known)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });

  // nobody can be told of this one any more
  way.block();
  await revokeBoth(missed);
  expect(await auth.end('SIGKILL')).toBe('SIGKILL');
  const until = Date.now() + 3000;
  while (Date.now() < until) {
    expect([await use(good), await use(known), await use(later)]).toEqual([
      [200, 200],
      [401, 401],
      [200, 200],
    ]);
    await delay(50);
  }
  expect(await use(missed)).toEqual([200, 200]);

  await using _again = await installation.startAuth();
  const returnedAt = Date.now();
  way.unblock();
  await revokeBoth(later);
  const revokedAt = Date.now();
  await vi.waitFor(async () => expect(await use(missed)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });
  // it looks again after 0.8 seconds at the latest, and a machine that is busy takes some time of its own
  expect(Date.now() - returnedAt).toBeLessThan(3000);
  await vi.waitFor(async () => expect(await use(later)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });
  expect(Date.now() - revokedAt).toBeLessThan(3000);
  expect([await use(good), await use(known)]).toEqual([
    [200, 200],
    [401, 401],
  ]);
});

function revoke(issuer: string, client: TestClient, token: string): Promise<Response> {
  return postAsClient(`${issuer}/oauth/revoke`, client, { token });
}
