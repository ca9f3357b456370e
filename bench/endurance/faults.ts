import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEnduringLoad } from '../../test/support/enduring-load.ts';
import { startBlackHole } from '../../test/support/start-black-hole.ts';
import { describeProgress, describeVerdict } from './describe.ts';
import { INSTANCES, type Installation, openInstallation } from './installation.ts';

/** Longer than a run, so that a 401 means that the token is revoked. */
const ACCESS_TOKEN_TTL_SECONDS = 3_600;

const BEFORE_MS = 8_000;
const AFTER_MS = 10_000;

/** After the end of a fault, a request of every kind succeeds again within this time. */
const RECOVERY_LIMIT_MS = 5_000;

/** What fails. `begin` resolves with what ends it, which resolves when it has ended. */
type Fault = {
  readonly seconds: number;
  readonly begin: (installation: Installation, network: Network) => Promise<() => Promise<unknown>>;
};

/** The network between api and auth. */
type Network = { readonly swallow: () => void; readonly release: () => void };

const FAULTS: Readonly<Record<string, Fault>> = {
  'auth is down': {
    seconds: 60,
    async begin(installation) {
      await Promise.all(installation.running('auth').map((process) => process.end('SIGKILL')));
      return () => {
        const starting = Array.from({ length: INSTANCES }, () => installation.start('auth'));
        return Promise.any(starting);
      };
    },
  },
  'PostgreSQL is stopped': stopPostgresql('fast'),
  'PostgreSQL crashes': stopPostgresql('immediate'),
  'all connections are terminated': {
    seconds: 0,
    async begin({ postgresql }) {
      const client = new pg.Client({ connectionString: postgresql.url });
      await client.connect();
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
      await client.end();
      return async () => undefined;
    },
  },
  'a black hole between api and auth': swallow(20),
  'a long black hole between api and auth': swallow(75),
};

export const FAULT_NAMES = Object.keys(FAULTS);

/** Lets one after another happen under a mixed load. Returns whether every condition held. */
export async function runFaults(names: readonly string[], print: (line: string) => void): Promise<boolean> {
  let held = true;
  for (const [name, fault] of Object.entries(FAULTS)) {
    if (!names.includes(name)) continue;
    print(`\n${name}, ${fault.seconds} s`);
    if (!(await runFault(fault, print))) held = false;
  }
  return held;
}

async function runFault({ seconds, begin }: Fault, print: (line: string) => void): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const networks: Network[] = [];
  const installation = stack.use(
    await openInstallation({
      variables: { ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL_SECONDS) },
      async connectApiToAuth(port) {
        const hole = stack.use(await startBlackHole(port));
        networks.push(hole);
        return hole.url;
      },
    }),
  );
  const [network] = networks;
  if (network === undefined) throw new Error('expected a network between api and auth');
  const load = await startEnduringLoad(installation, {
    tokenLifetime: ACCESS_TOKEN_TTL_SECONDS,
    instances: INSTANCES,
  });
  await delay(BEFORE_MS);
  const end = await begin(installation, network);
  const succeededBefore = new Map(load.progress.succeeded);
  await delay(seconds * 1000);
  const during = [...load.progress.succeeded]
    .map(([kind, count]) => `${count - (succeededBefore.get(kind) ?? 0)} × ${kind}`)
    .join(', ');
  await end();
  const recovery = await load.measureRecovery();
  await delay(AFTER_MS);
  const verdict = await load.stop();

  if (seconds > 0) print(`succeeded during the fault: ${during}`);
  for (const line of [...describeProgress(verdict), ...describeVerdict(verdict)]) print(line);
  const slowest = [...recovery].sort(([, a], [, b]) => b - a);
  print(`back after: ${slowest.map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`).join(', ')}`);
  const longest = slowest[0]?.[1] ?? Number.NaN;
  const { wronglyAccepted, lost, feedProblems } = verdict;
  const held = longest < RECOVERY_LIMIT_MS && wronglyAccepted.length + lost.length + feedProblems.length === 0;
  if (!held) print('MISSED');
  return held;
}

function stopPostgresql(mode: 'fast' | 'immediate'): Fault {
  return {
    seconds: 20,
    async begin({ postgresql }) {
      await postgresql.control('stop', mode);
      return () => postgresql.control('start');
    },
  };
}

function swallow(seconds: number): Fault {
  return {
    seconds,
    async begin(_installation, network) {
      network.swallow();
      return async () => network.release();
    },
  };
}
