import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { openSplitInstallation } from '../support/open-split-installation.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startBlackHole } from '../support/start-black-hole.ts';
import { startBlockableProxy } from '../support/start-blockable-proxy.ts';
import { startSystem, type TestClient } from '../support/start-system.ts';

// these tests start several processes, one after another, which takes long on a busy machine
vi.setConfig({ testTimeout: 90_000 });

test('without auth, api and mcp use cached lists, and they apply missed revocations when auth returns', async () => {
  await using installation = await openSplitInstallation();
  const { issuer, mcpResource, useAtApi, useAtMcp } = installation;
  await using proxy = await startBlockableProxy(installation.authPort);
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
  await using _api = await installation.startApi({ AUTH_URL: proxy.url });
  await using _mcp = await installation.startMcp({ AUTH_URL: proxy.url });
  const [valid, revokedBefore, revokedMeanwhile, revokedAfter] = [
    await getBoth(),
    await getBoth(),
    await getBoth(),
    await getBoth(),
  ];
  for (const tokens of [valid, revokedBefore, revokedMeanwhile, revokedAfter])
    expect(await use(tokens)).toEqual([200, 200]);
  await revokeBoth(revokedBefore);
  await vi.waitFor(async () => expect(await use(revokedBefore)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });

  // from here on api and mcp cannot receive a revocation
  proxy.block();
  await revokeBoth(revokedMeanwhile);
  expect(await auth.end('SIGKILL')).toBe('SIGKILL');
  const end = Date.now() + 3000;
  while (Date.now() < end) {
    expect([await use(valid), await use(revokedBefore), await use(revokedAfter)]).toEqual([
      [200, 200],
      [401, 401],
      [200, 200],
    ]);
    await delay(50);
  }
  expect(await use(revokedMeanwhile)).toEqual([200, 200]);

  await using _restarted = await installation.startAuth();
  const returnedAt = Date.now();
  proxy.unblock();
  await revokeBoth(revokedAfter);
  const revokedAt = Date.now();
  await vi.waitFor(async () => expect(await use(revokedMeanwhile)).toEqual([401, 401]), {
    timeout: 10_000,
    interval: 5,
  });
  // the readers retry after at most 0.8 seconds; the rest is for a busy machine
  expect(Date.now() - returnedAt).toBeLessThan(3000);
  await vi.waitFor(async () => expect(await use(revokedAfter)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });
  expect(Date.now() - revokedAt).toBeLessThan(3000);
  expect([await use(valid), await use(revokedBefore)]).toEqual([
    [200, 200],
    [401, 401],
  ]);
});

test('a revocation arrives within five seconds after the end of a black hole between api and auth', async () => {
  await using system = await startSystem();
  const { issuer } = system;
  await using hole = await startBlackHole(Number(system.environment.AUTH_PORT));
  const apiPort = await getFreePort();
  const apiResource = `http://127.0.0.1:${apiPort}/api/v1`;
  await using _api = await startApi(
    readApiConfig({ ...system.environment, API_PORT: String(apiPort), AUTH_URL: hole.url }),
    system.database,
  );
  const client = await system.registerClient();
  const token = await requestAccessToken(issuer, client);
  await vi.waitFor(async () => expect((await requestTodos(apiResource, token)).status).toBe(200), 10_000);
  hole.swallow();
  expect((await revoke(issuer, client, token)).status).toBe(200);
  // longer than until the request is sent again, which then gets lost too
  await delay(4_000);
  expect((await requestTodos(apiResource, token)).status).toBe(200);
  hole.release();
  const releasedAt = Date.now();
  await vi.waitFor(async () => expect((await requestTodos(apiResource, token)).status).toBe(401), {
    timeout: 15_000,
    interval: 50,
  });
  expect(Date.now() - releasedAt).toBeLessThan(5_000);
});

function revoke(issuer: string, client: TestClient, token: string): Promise<Response> {
  return postAsClient(`${issuer}/oauth/revoke`, client, { token });
}
