import { setTimeout as delay } from 'node:timers/promises';
import { startEnduringLoad } from '../../test/support/enduring-load.ts';
import { describeProgress, describeVerdict } from './describe.ts';
import { INSTANCES, openInstallation, SERVICES } from './installation.ts';

/** Longer than a run, so that a 401 means that the token is revoked. */
const ACCESS_TOKEN_TTL_SECONDS = 3_600;

/**
 * After this time a revocation that was acknowledged has reached every process, also those whose auth process was killed: a reader
 * connects to another one in less than a second. That a killed process has confirmed it cannot be waited for.
 */
const SETTLED_AFTER_MS = 5_000;

/** It waits shortly, because auth waits up to a minute for the confirmation of a process that was killed. */
const CONFIRMATION_SECONDS = 2;

const BEFORE_MS = 5_000;

/** From when a killed process is replaced until the next one is killed. */
const PAUSE_MS = 1_000;

/** Kills a random process `kills` times under a mixed load, and replaces it at once. Returns whether every condition held. */
export async function runKills(kills: number, print: (line: string) => void): Promise<boolean> {
  await using installation = await openInstallation({
    variables: { ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL_SECONDS) },
  });
  const load = await startEnduringLoad(installation, {
    tokenLifetime: ACCESS_TOKEN_TTL_SECONDS,
    instances: INSTANCES,
    settledAfterMs: SETTLED_AFTER_MS,
    confirmationSeconds: CONFIRMATION_SECONDS,
  });
  const killed = { auth: 0, api: 0, mcp: 0 };
  await delay(BEFORE_MS);
  for (let kill = 1; kill <= kills; kill += 1) {
    const service = SERVICES[Math.floor(Math.random() * SERVICES.length)] ?? 'auth';
    const processes = installation.running(service);
    await processes[Math.floor(Math.random() * processes.length)]?.end('SIGKILL');
    await installation.start(service);
    killed[service] += 1;
    if (kill % 10 === 0) print(`${kill} killed, ${load.progress.wronglyAccepted.length} wrongly accepted`);
    await delay(PAUSE_MS);
  }
  const recovery = await load.measureRecovery();
  const verdict = await load.stop();
  print(`killed: ${killed.auth} auth, ${killed.api} api, ${killed.mcp} mcp`);
  for (const line of [...describeProgress(verdict), ...describeVerdict(verdict)]) print(line);
  print(`a request of every kind succeeded again: ${[...recovery.keys()].join(', ')}`);
  const { wronglyAccepted, lost, feedProblems } = verdict;
  return wronglyAccepted.length + lost.length + feedProblems.length === 0;
}
