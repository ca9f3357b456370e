import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { type EnduringLoad, startEnduringLoad } from '../support/enduring-load.ts';
import { openScaledInstallation } from '../support/open-scaled-installation.ts';
import { isNginxInstalled } from '../support/start-nginx.ts';
import { findPostgresqlPrograms, startPostgresql } from '../support/start-postgresql.ts';

// it starts nine processes of yata, and waits for some of them
vi.setConfig({ testTimeout: 240_000 });

const SERVICES = ['auth', 'api', 'mcp'] as const;

/** After the end of a fault, a request of every kind succeeds again within 5 seconds. The rest is for a busy machine. */
const RECOVERY_LIMIT_MS = 15_000;

test('crashes under load lose no acknowledged write and let no revoked token in', async ({ skip }) => {
  const programs = findPostgresqlPrograms();
  if (programs === undefined) return skip('no PostgreSQL server is installed');
  if (!isNginxInstalled) skipOutsideCi(skip, 'nginx is not installed.');
  await using cluster = await startPostgresql(programs);
  await using installation = await openScaledInstallation(cluster.url);
  await Promise.all([...SERVICES, ...SERVICES].map((service) => installation.start(service)));
  const load = await startEnduringLoad(installation, {
    tokenLifetime: 3_600,
    instances: 2,
    // a process that was killed confirms nothing, and auth waits for it for a minute
    confirmationSeconds: 3,
    slowness: 0.5,
  });
  await delay(2_000);

  await terminateConnections(cluster.url);
  const afterTermination = await load.measureRecovery();
  await cluster.control('stop', 'immediate');
  await delay(1_000);
  await cluster.control('start');
  const afterCrash = await load.measureRecovery();
  for (const service of SERVICES) {
    await installation.running(service)[0]?.end('SIGKILL');
    await installation.start(service);
  }
  const verdict = await load.stop();

  expect(verdict.wronglyAccepted).toEqual([]);
  expect(verdict.lost).toEqual([]);
  expect(verdict.feedProblems).toEqual([]);
  expect(verdict.acknowledged).toBeGreaterThan(20);
  expect(verdict.rejected()).toBeGreaterThan(5);
  expect(verdict.confirmationMs.length).toBeGreaterThan(2);
  expect(tooSlow(afterTermination)).toEqual([]);
  expect(tooSlow(afterCrash)).toEqual([]);
});

async function terminateConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
  await client.end();
}

function tooSlow(recovery: Awaited<ReturnType<EnduringLoad['measureRecovery']>>): readonly string[] {
  return [...recovery].filter(([, ms]) => ms > RECOVERY_LIMIT_MS).map(([kind, ms]) => `${kind}: ${Math.round(ms)} ms`);
}
