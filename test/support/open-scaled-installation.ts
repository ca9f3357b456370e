import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClientSecret } from '../../auth/clients/client-secret.ts';
import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { writeNginxConfiguration } from '../../docker/nginx/configuration.ts';
import { openNameServer } from '../../docker/nginx/name-server.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { createCertificationAuthority } from './create-certificates.ts';
import { NGINX_PROGRAM } from './start-nginx.ts';
import { type RunningProcess, startProcess } from './start-process.ts';
import { waitFor } from './wait-for.ts';

const SERVICES = ['auth', 'api', 'mcp'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** A process of a service, with the address at which it alone answers. */
export type ServiceProcess = RunningProcess & { readonly url: string };

/** What differs from an installation as docker/compose.scale.yml starts it. */
export type ScaledOptions = {
  /** Variables of every process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Returns the address at which api reaches auth, which has the port `port`. It stands for a network that can fail. */
  readonly connectApiToAuth?: (port: number) => Promise<string>;
};

/**
 * Longer than nginx needs to learn that a process is not ready any more: a readiness is a second old at most, the name server
 * looks twice a second, and nginx uses its answer for a second.
 */
const SHUTDOWN_DELAY_SECONDS = 3;

/** Six processes that start at once on a busy machine take long. */
const READY_TIMEOUT_MS = 60_000;

/**
 * Opens an installation of which a test starts as many processes as it likes, behind nginx as docker/compose.scale.yml
 * configures it. Each process has a loopback address of its own, as a container has.
 */
export async function openScaledInstallation(
  databaseUrl: string,
  { variables = {}, connectApiToAuth = async (port) => `http://127.0.0.1:${port}` }: ScaledOptions = {},
) {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const [ports, tls] = [await getFreePorts(), await getFreePorts()];
  const [internal, health] = [await getFreePorts(), await getFreePort()];
  const issuer = `https://localhost:${tls.auth}`;
  const apiResource = `https://localhost:${tls.api}/api/v1`;
  const mcpResource = `https://localhost:${tls.mcp}/mcp`;
  const data = join(directory.path, 'data');
  const [apiSecret, mcpSecret] = [createClientSecret(), createClientSecret()];
  const common = {
    AUTH_ISSUER: issuer,
    API_RESOURCE: apiResource,
    MCP_RESOURCE: mcpResource,
    AUTH_PORT: String(ports.auth),
    API_PORT: String(ports.api),
    MCP_PORT: String(ports.mcp),
    SHUTDOWN_DELAY: String(SHUTDOWN_DELAY_SECONDS),
    API_RATE_LIMIT: '1000000',
    NODE_COMPILE_CACHE: join(directory.path, 'compile-cache'),
    ...variables,
  };
  const environments: Record<ServiceName, Record<string, string>> = {
    auth: {
      AUTH_DATABASE_URL: databaseUrl,
      YATA_DATA_DIR: data,
      API_CLIENT_SECRET: apiSecret,
      MCP_CLIENT_SECRET: mcpSecret,
      AUTH_TRUSTED_PROXIES: 'loopback',
    },
    api: {
      API_DATABASE_URL: databaseUrl,
      RATE_LIMIT_URL: databaseUrl,
      AUTH_URL: await connectApiToAuth(internal.auth),
      OAUTH_CLIENT_ID: 'api',
      OAUTH_CLIENT_SECRET: apiSecret,
      API_TRUSTED_PROXIES: 'loopback',
    },
    mcp: {
      AUTH_URL: `http://127.0.0.1:${internal.auth}`,
      API_BASE_URL: `http://127.0.0.1:${internal.api}/api/v1`,
      OAUTH_CLIENT_ID: 'mcp',
      OAUTH_CLIENT_SECRET: mcpSecret,
      MCP_TRUSTED_PROXIES: 'loopback',
    },
  };
  const addresses: Record<ServiceName, readonly string[]> = { auth: [], api: [], mcp: [] };
  const processes: Record<ServiceName, readonly ServiceProcess[]> = { auth: [], api: [], mcp: [] };
  let starts = 0;
  const everStarted: { readonly service: ServiceName; readonly process: ServiceProcess }[] = [];

  const authority = createCertificationAuthority(directory.path, 'ca');
  const nameServer = opening.use(
    await openNameServer({
      services: SERVICES.map((name) => ({ name, port: ports[name] })),
      resolve: async (name) => addresses[name as ServiceName],
    }),
  );
  opening.use(await startNginx());
  const opened = opening.move();
  return {
    issuer,
    apiResource,
    mcpResource,
    ca: readFileSync(authority.certificate, 'utf8'),
    /** Reads the credentials of the client `demo`, which the first process of auth registers. */
    demo: () => readClient('demo'),
    /** Reads the credentials of the client `admin`. */
    admin: () => readClient('admin'),
    running: (service: ServiceName) => processes[service],
    /** Every process that was started, also those that have ended. */
    everStarted: (): readonly { readonly service: ServiceName; readonly process: ServiceProcess }[] => everStarted,
    /** Starts a process of a service, and waits until it is ready. */
    async start(service: ServiceName): Promise<ServiceProcess> {
      starts += 1;
      const address = `127.0.9.${starts}`;
      const environment = { ...common, ...environments[service], HOST: address };
      const url = `http://${address}:${ports[service]}`;
      const started = opened.use(await startProcess([`${service}/main.ts`], environment, '"listening"'));
      const running = { ...started, url };
      everStarted.push({ service, process: running });
      processes[service] = [...processes[service], running];
      addresses[service] = [...addresses[service], address];
      void running.ended.then(() => {
        addresses[service] = addresses[service].filter((other) => other !== address);
        processes[service] = processes[service].filter((other) => other !== running);
      });
      await waitFor(async () => {
        const { status } = await fetch(`${url}/health/ready`);
        if (status !== 200) throw new Error(`${service} is not ready: ${status}`);
      }, READY_TIMEOUT_MS);
      return running;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  function readClient(name: 'demo' | 'admin') {
    const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(data, name);
    return { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
  }

  async function startNginx(): Promise<AsyncDisposable> {
    const files = join(directory.path, 'nginx');
    mkdirSync(files);
    const { certificate, key } = authority.issue('localhost');
    const configuration = writeNginxConfiguration(readFileSync('docs/examples/nginx.conf', 'utf8'), {
      urls: { auth: new URL(issuer), api: new URL(apiResource), mcp: new URL(mcpResource) },
      instances: { auth: `auth:${ports.auth}`, api: `api:${ports.api}`, mcp: `mcp:${ports.mcp}` },
      listen: { auth: [`127.0.0.1:${tls.auth}`], api: [`127.0.0.1:${tls.api}`], mcp: [`127.0.0.1:${tls.mcp}`] },
      internal: { auth: `127.0.0.1:${internal.auth}`, api: `127.0.0.1:${internal.api}` },
      health: `127.0.0.1:${health}`,
      nameServerPort: nameServer.port,
      certificate,
      key,
      directory: files,
    });
    // as root nginx would change to a user who cannot open the directory of the test
    const user = process.getuid?.() === 0 ? 'user root;\n' : '';
    writeFileSync(join(files, 'nginx.conf'), user + configuration);
    const nginx = spawn(NGINX_PROGRAM ?? 'nginx', ['-c', join(files, 'nginx.conf'), '-e', 'stderr']);
    let output = '';
    nginx.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const closed = once(nginx, 'close');
    await waitFor(async () => {
      if (nginx.exitCode !== null) throw new Error(`nginx ended: ${output}`);
      await fetch(`http://127.0.0.1:${health}`);
    }, 10_000);
    return {
      async [Symbol.asyncDispose]() {
        nginx.kill('SIGTERM');
        await closed;
      },
    };
  }
}

async function getFreePorts(): Promise<Record<ServiceName, number>> {
  return { auth: await getFreePort(), api: await getFreePort(), mcp: await getFreePort() };
}
