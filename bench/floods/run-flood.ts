import { setTimeout as delay } from 'node:timers/promises';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import type { TestClient } from '../../test/support/start-system.ts';
import { type BenchProcess, startBenchProcess } from '../start-bench-process.ts';
import { Counts, type Flood, type FloodTarget, sum } from './flood.ts';
import type { HonestLoad, HonestResult } from './honest-load.ts';
import type { Installation } from './installation.ts';
import type { Action, Operator } from './operator.ts';
import { type Revocations, revokeRepeatedly } from './revoke-repeatedly.ts';

/** What happened during a flood. */
export type FloodResult = {
  readonly name: string;
  readonly counts: Counts;
  readonly honest: HonestResult;
  readonly revocations: Revocations;
  readonly byApi: Action;
  readonly byCommand: Action;
  /** Audit events. `caused` is what the responses and the actions of the operator say, `uncertain` may be in addition. */
  readonly audit: {
    readonly caused: number;
    readonly uncertain: number;
    readonly stored: number;
    readonly dropped: number;
  };
  readonly dead: readonly string[];
  /** Whether the services answered again after the flood. */
  readonly hasRecovered: boolean;
  /** What else did not hold. */
  readonly failures: readonly string[];
};

/** What runs beside every flood. */
export type Surroundings = {
  readonly installation: Installation;
  readonly operator: Operator;
  readonly honest: HonestLoad;
  /** The client whose access tokens are revoked. */
  readonly revoker: TestClient;
};

const DEFAULT_SECONDS = 12;
const DEFAULT_RAMP_SECONDS = 1;

/** When the operator acts, as a share of the time after the flood has begun in full. */
const [BY_API_AT, BY_COMMAND_AT] = [0.3, 0.6];

/** How long a flood may take to end in addition to its seconds. */
const END_TIMEOUT_MS = 60_000;

/** How long auth may take to store the audit events that it holds. */
const AUDIT_TIMEOUT_MS = 10_000;

/** No flood: what is measured beside it is the time of a quiet installation. */
export const IDLE: Flood = {
  description: 'no flood',
  seconds: 20,
  run: async () => ({}),
};

/**
 * Runs a flood. Meanwhile the honest clients send their requests, access tokens are revoked one after another, and the
 * operator disables two clients: one by the administration API, and the one that sends the flood by the command line.
 */
export async function runFlood(
  name: string,
  flood: Flood,
  { installation, operator, honest, revoker }: Surroundings,
): Promise<FloodResult> {
  const { issuer, apiResource, mcpResource } = installation;
  const { seconds = DEFAULT_SECONDS, rampSeconds = DEFAULT_RAMP_SECONDS, workers = 1 } = flood;
  const [client, accomplice] = [await operator.createClient(name), await operator.createClient(name)];
  const target: FloodTarget = {
    ...{ issuer, apiResource, mcpResource, client, worker: 0 },
    apiToken: await requestAccessToken(issuer, client),
    mcpToken: await requestAccessToken(issuer, client, { resource: mcpResource }),
  };
  await flood.prepare?.(target);
  await using resources = new AsyncDisposableStack();
  const senders: BenchProcess[] = [];
  if (flood !== IDLE) for (let worker = 0; worker < workers; worker++) senders.push(resources.use(await startSender()));
  const newestEvent = await operator.findNewestEvent();
  const droppedBefore = await operator.countDroppedEvents();

  await honest.begin();
  const sent = Promise.all(
    senders.map((sender, worker) =>
      sender
        .request({ name, target: { ...target, worker }, seconds }, { timeoutMs: seconds * 1000 + END_TIMEOUT_MS })
        .then((message) => Counts.parse(message)),
    ),
  );
  // awaited later: a process that ends meanwhile must not end this one
  sent.catch(() => undefined);
  await delay(rampSeconds * 1000);
  const fullMs = (seconds - rampSeconds) * 1000;
  const until = AbortSignal.timeout(fullMs);
  const [revocations, byApi, byCommand] = await Promise.all([
    revokeRepeatedly(installation, revoker, until),
    delay(fullMs * BY_API_AT).then(() => operator.disableByApi(accomplice.id)),
    delay(fullMs * BY_COMMAND_AT).then(() => operator.disableByCommand(client.id)),
  ]);
  const honestResult = await honest.end();
  const counts = sum(await sent);

  const succeeded = [byApi, byCommand].filter(({ failure }) => failure === undefined).length;
  const caused = (flood.countAuditEvents?.(counts) ?? 0) + revocations.responses.length + succeeded;
  const hasRecovered = await installation.recover();
  const dead = installation.findDead();
  const unknown = { stored: Number.NaN, dropped: Number.NaN };
  const audit = { caused, uncertain: revocations.uncertain + 2 - succeeded, ...unknown };
  return {
    ...{ name, counts, honest: honestResult, revocations, byApi, byCommand, dead },
    audit: hasRecovered ? { ...audit, ...(await waitForAudit(caused).catch(() => unknown)) } : audit,
    failures: [...(flood.findFailures?.(counts) ?? []), ...(hasRecovered ? [] : ['the services did not recover'])],
    hasRecovered,
  };

  /** Waits until auth has stored or dropped every event that it holds. */
  async function waitForAudit(expected: number) {
    const deadline = performance.now() + AUDIT_TIMEOUT_MS;
    for (;;) {
      const stored = await operator.countEventsAfter(newestEvent);
      const dropped = (await operator.countDroppedEvents()) - droppedBefore;
      if (stored + dropped >= expected || performance.now() > deadline) return { stored, dropped };
      await delay(500);
    }
  }
}

function startSender(): Promise<BenchProcess> {
  return startBenchProcess({
    ...{ script: new URL('./flood-process.ts', import.meta.url), environment: process.env, core: 0 },
    pin: (_core, command) => command,
  });
}
