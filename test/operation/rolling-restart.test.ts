import { expect, test, vi } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { startMixedLoad } from '../support/mixed-load.ts';
import { openScaledInstallation } from '../support/open-scaled-installation.ts';
import { isNginxInstalled } from '../support/start-nginx.ts';

vi.setConfig({ testTimeout: 180_000 });

const SERVICES = ['auth', 'api', 'mcp'] as const;

test('replacing every process under load fails no request and loses no acknowledged write', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('only one process can open the embedded database');
  if (!isNginxInstalled) skipOutsideCi(skip, 'nginx is not installed.');
  await using installation = await openScaledInstallation(database.url);
  // all at once, on an empty database
  await Promise.all([...SERVICES, ...SERVICES].map((service) => installation.start(service)));

  const load = await startMixedLoad({ ...installation, client: installation.demo() });
  const ended: Promise<unknown>[] = [];
  for (const service of SERVICES) {
    for (const old of installation.running(service)) {
      await installation.start(service);
      // it goes on for SHUTDOWN_DELAY seconds, and meanwhile the next one starts
      ended.push(old.end('SIGTERM'));
    }
  }
  expect(await Promise.all(ended)).toEqual([0, 0, 0, 0, 0, 0]);
  const { succeeded, failures, created, stored, seen } = await load.stop();

  expect(failures).toEqual([]);
  expect([...succeeded.keys()].sort()).toEqual(Object.keys(LEAST_SUCCEEDED).sort());
  for (const [kind, least] of Object.entries(LEAST_SUCCEEDED))
    expect(succeeded.get(kind), kind).toBeGreaterThanOrEqual(least);
  expect([...created].filter((id) => !stored.has(id))).toEqual([]);
  expect([...created].filter((id) => !seen.has(id))).toEqual([]);
});

/** The kinds of requests of the load, with a number of each on a slow machine. */
const LEAST_SUCCEEDED = {
  token: 50,
  read: 50,
  write: 50,
  change: 50,
  'tool that reads': 20,
  'tool that writes': 20,
  'wait for changes': 20,
  'wait for status lists': 5,
};
