import { setTimeout as delay } from 'node:timers/promises';
import type { Flood } from './flood.ts';
import { type HonestLoad, type HonestResult, startHonestLoad } from './honest-load.ts';
import { type DatabaseKind, type Installation, openInstallation } from './installation.ts';
import { openOperator } from './operator.ts';
import { type FloodResult, IDLE, runFlood, type Surroundings } from './run-flood.ts';

/** The resident memory of a process in megabytes; NaN when it has died. */
export type Memory = { readonly name: string; readonly before: number; readonly after: number };

/** The time after the last flood of a group at which the memory is measured. */
const SETTLE_MS = 60_000;

/** While a new process serves its first requests its code is compiled and its heap grows, so they are not measured. */
const WARM_UP_MS = 30_000;

/**
 * Runs floods one after another on a new installation, and measures first what the honest clients get without a flood.
 * When a process dies or does not recover, the next flood has a new installation. Only the memory of processes that have
 * survived the floods since their start is compared, a minute after the last flood.
 */
export async function runGroup(
  kind: DatabaseKind,
  floods: readonly (readonly [string, Flood])[],
  print: (result: FloodResult, idle: HonestResult) => void,
): Promise<readonly Memory[]> {
  let opened = await open(kind);
  try {
    const idle = await runFlood('idle', IDLE, opened.surroundings);
    print(idle, idle.honest);
    if (!idle.hasRecovered) throw new Error('the services do not answer without a flood: the machine is too busy');
    let before = measureMemory(opened.surroundings.installation);
    let latest = idle;
    for (const [name, flood] of floods) {
      if (!latest.hasRecovered) {
        await opened[Symbol.asyncDispose]();
        opened = await open(kind);
        before = measureMemory(opened.surroundings.installation);
      }
      latest = await runFlood(name, flood, opened.surroundings);
      print(latest, idle.honest);
    }
    // a process that has nothing to do collects no garbage
    await opened.surroundings.honest.begin();
    await delay(SETTLE_MS);
    await opened.surroundings.honest.end();
    const after = measureMemory(opened.surroundings.installation);
    return [...before].map(([name, megabytes]) => ({ name, before: megabytes, after: after.get(name) ?? Number.NaN }));
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

/** Opens an installation with its honest clients, which have sent requests for some seconds. */
async function open(kind: DatabaseKind): Promise<AsyncDisposable & { readonly surroundings: Surroundings }> {
  await using opening = new AsyncDisposableStack();
  const installation = opening.use(await openInstallation(kind));
  const operator = await openOperator(installation);
  const create = (name: string) => operator.createClient(name);
  const { issuer, apiResource, mcpResource } = installation;
  const honest: HonestLoad = opening.use(
    await startHonestLoad({
      ...{ issuer, apiResource, mcpResource },
      clients: {
        reader: await create('reader'),
        writer: await create('writer'),
        requester: await create('requester'),
        assistant: await create('assistant'),
      },
    }),
  );
  const surroundings = { installation, operator, honest, revoker: await create('revoker') };
  await honest.begin();
  await delay(WARM_UP_MS);
  await honest.end();
  const opened = opening.move();
  return { surroundings, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function measureMemory({ processes }: Installation): Map<string, number> {
  return new Map(processes.map(({ name, residentMegabytes }) => [name, residentMegabytes()]));
}
