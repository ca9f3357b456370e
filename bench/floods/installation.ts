import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClientSecret } from '../../auth/clients/client-secret.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import type { TestClient } from '../../test/support/start-system.ts';

/** The embedded database with all services in one process, or PostgreSQL with a process for each service. */
export type DatabaseKind = 'embedded' | 'postgresql';

/** A process of yata. */
type ServerProcess = {
  readonly name: string;
  /** The exit code or the signal with which the process has ended; undefined while it runs. */
  readonly ended: () => number | NodeJS.Signals | undefined;
  /** The resident memory, in megabytes. */
  readonly residentMegabytes: () => number;
  /** The line that says why it has died, or else the last line that it has written. */
  readonly lastWords: () => string;
};

/** A new installation of yata whose processes are running. Disposing it ends them and removes it. */
export type Installation = AsyncDisposable & {
  readonly issuer: string;
  readonly apiResource: string;
  readonly mcpResource: string;
  readonly processes: readonly ServerProcess[];
  /** The environment of the command line. */
  readonly environment: Readonly<Record<'YATA_DATA_DIR' | 'AUTH_ISSUER', string>>;
  /** The client that mcp is. */
  readonly mcpClient: TestClient;
  /** Which processes have ended although they should run, each with its exit code or signal. */
  readonly findDead: () => string[];
  /** Resolves when every service answers promptly again, with false when one does not in half a minute. */
  readonly recover: () => Promise<boolean>;
};

const HEAP_MEGABYTES = 1024;
const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 20_000;
const RECOVERY_TIMEOUT_MS = 30_000;

/** A service that answers in this time has no work left of a flood. */
const PROMPT_MS = 100;

const LAST_LINES = 20;

/** Starts yata with a heap of 1 GB for each process, and resolves when all services are ready. */
export async function openInstallation(kind: DatabaseKind): Promise<Installation> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const data = join(directory.path, 'data');
  const [mcpSecret, apiSecret] = [createClientSecret(), createClientSecret()];
  const issuer = `http://127.0.0.1:${authPort}`;
  const identifiers = {
    AUTH_ISSUER: issuer,
    API_RESOURCE: `http://127.0.0.1:${apiPort}/api/v1`,
    MCP_RESOURCE: `http://127.0.0.1:${mcpPort}/mcp`,
  };
  const environment = { NODE_ENV: 'production', YATA_DATA_DIR: data, ...identifiers };
  const ports = { AUTH_PORT: String(authPort), API_PORT: String(apiPort), MCP_PORT: String(mcpPort) };
  const secrets = { MCP_CLIENT_SECRET: mcpSecret, API_CLIENT_SECRET: apiSecret };
  const processes: ServerProcess[] = [];
  const start = async (
    name: string,
    args: readonly string[],
    variables: Record<string, string>,
    servicePorts: number[],
  ) =>
    processes.push(
      opening.use(
        await startServer({
          name,
          args,
          directory: directory.path,
          environment: { ...environment, ...variables },
          ports: servicePorts,
        }),
      ),
    );

  if (kind === 'embedded') {
    await start('yata', ['yata.ts', 'start'], { ...ports, ...secrets }, [authPort, apiPort, mcpPort]);
  } else {
    const [authDatabase, apiDatabase] = [opening.use(await openTestDatabase()), opening.use(await openTestDatabase())];
    if (authDatabase.kind !== 'postgresql' || apiDatabase.kind !== 'postgresql')
      throw new Error('expected TEST_DATABASE_URL to name a PostgreSQL server');
    await start('auth', ['auth/main.ts'], { ...ports, ...secrets, AUTH_DATABASE_URL: authDatabase.url }, [authPort]);
    const asApi = { OAUTH_CLIENT_ID: 'api', OAUTH_CLIENT_SECRET: apiSecret };
    await start('api', ['api/main.ts'], { ...ports, ...asApi, API_DATABASE_URL: apiDatabase.url }, [apiPort]);
    const asMcp = { OAUTH_CLIENT_ID: 'mcp', OAUTH_CLIENT_SECRET: mcpSecret };
    await start('mcp', ['mcp/main.ts'], { ...ports, ...asMcp }, [mcpPort]);
  }
  const opened = opening.move();
  return {
    issuer,
    apiResource: identifiers.API_RESOURCE,
    mcpResource: identifiers.MCP_RESOURCE,
    processes,
    environment,
    mcpClient: { id: 'mcp', secret: mcpSecret },
    findDead: () =>
      processes.flatMap(({ name, ended, lastWords }) =>
        ended() === undefined ? [] : [`${name} ended with ${ended()}: ${lastWords()}`],
      ),
    recover: async () => (await Promise.all([authPort, apiPort, mcpPort].map(answersPromptly))).every(Boolean),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Starts a process and resolves when every service in it is ready. What it writes goes to a file. */
async function startServer({ name, args, directory, environment, ports }: ServerOptions) {
  const log = join(directory, `${name}.log`);
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEGABYTES}`, ...args], {
    env: { PATH: process.env.PATH ?? '', SHUTDOWN_DELAY: '0', ...environment },
    stdio: ['ignore', output, output],
  });
  const ended = () => child.exitCode ?? child.signalCode ?? undefined;
  const readLog = () => readFileSync(log, 'utf8').trim().split('\n');
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (const port of ports) {
    while (!(await isReady(port))) {
      if (ended() !== undefined || performance.now() > deadline) {
        await end(child);
        throw new Error(`${name} did not start:\n${readLog().slice(-LAST_LINES).join('\n')}`);
      }
      await delay(100);
    }
  }
  return {
    name,
    ended,
    lastWords: () => readLog().find((line) => line.startsWith('FATAL')) ?? readLog().at(-1) ?? '',
    residentMegabytes() {
      if (ended() !== undefined) return Number.NaN;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

type ServerOptions = {
  readonly name: string;
  readonly args: readonly string[];
  /** Where its log is. */
  readonly directory: string;
  readonly environment: Record<string, string>;
  readonly ports: readonly number[];
};

async function answersPromptly(port: number): Promise<boolean> {
  const deadline = performance.now() + RECOVERY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const sentAt = performance.now();
    if ((await isReady(port)) && performance.now() - sentAt < PROMPT_MS) return true;
    await delay(100);
  }
  return false;
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`, {
    signal: AbortSignal.timeout(RECOVERY_TIMEOUT_MS),
  }).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok ?? false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timeout = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
  await exited;
  clearTimeout(timeout);
}
