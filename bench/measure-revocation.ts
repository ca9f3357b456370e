import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { createClientSecret } from '../auth/clients/client-secret.ts';
import { findOrCreateCredentials } from '../auth/clients/credentials-file.ts';
import { authDatabase } from '../auth/database/definition.ts';
import { createRevocations } from '../auth/revocation/revocations.ts';
import { findOrCreateSigningKeys } from '../auth/signing-keys/signing-keys.ts';
import { createLeases } from '../auth/status-lists/leases.ts';
import { openStatusLists } from '../auth/status-lists/status-lists.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createLogger } from '../shared/logger.ts';
import { getFreePort } from '../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';
import { startProcess } from '../test/support/start-process.ts';
import { median } from './statistics.ts';

/** Resource servers that wait beside api and mcp, and revocations that are measured. */
const OTHER_READERS = 98;
const REVOCATIONS = 120;

/** Tokens of the client that is revoked whole, and how often that is done. */
const CLIENT_TOKENS = 100_000;
const CLIENTS = 7;

/** How fast revocations reach the resource servers. */
type Propagation = {
  /** Milliseconds from the answer of the revocation endpoint until api and mcp have both refused. */
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
  readonly revocations: number;
  /** Requests that api or mcp accepted although it had acknowledged the revocation before they were sent. */
  readonly acceptedAfterAcknowledgement: number;
  /** Requests that were sent after an acknowledgement. */
  readonly sentAfterAcknowledgement: number;
  /** Milliseconds of a request to api or mcp meanwhile: no refusal can be seen sooner. */
  readonly request: { readonly median: number; readonly p99: number };
};

/** Measures how long api and mcp go on accepting a token that was revoked, with a hundred waiting readers. */
async function measurePropagation(): Promise<Propagation> {
  await using opened = new AsyncDisposableStack();
  const directory = opened.use(makeTemporaryDirectory());
  const database = opened.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const issuer = `http://127.0.0.1:${authPort}`;
  const api = `http://127.0.0.1:${apiPort}/api/v1`;
  const mcp = `http://127.0.0.1:${mcpPort}/mcp`;
  const mcpSecret = createClientSecret();
  const url = database.kind === 'postgresql' ? database.url : undefined;
  const environment = (service: string, others: Record<string, string>) => ({
    NODE_ENV: 'production',
    AUTH_ISSUER: issuer,
    API_RESOURCE: api,
    MCP_RESOURCE: mcp,
    YATA_DATA_DIR: `${directory.path}/${service}`,
    ...others,
  });
  const listening = '"listening"';
  opened.use(
    await startProcess(
      ['auth/main.ts'],
      environment('auth', {
        AUTH_PORT: String(authPort),
        MCP_CLIENT_SECRET: mcpSecret,
        ...(url && { AUTH_DATABASE_URL: url }),
      }),
      listening,
    ),
  );
  // what they acknowledge is seen on the way
  const apiWay = opened.use(await openWay(authPort));
  const mcpWay = opened.use(await openWay(authPort));
  opened.use(
    await startProcess(
      ['api/main.ts'],
      environment('api', { API_PORT: String(apiPort), AUTH_URL: apiWay.url, ...(url && { API_DATABASE_URL: url }) }),
      listening,
    ),
  );
  opened.use(
    await startProcess(
      ['mcp/main.ts'],
      environment('mcp', {
        MCP_PORT: String(mcpPort),
        AUTH_URL: mcpWay.url,
        OAUTH_CLIENT_ID: 'mcp',
        OAUTH_CLIENT_SECRET: mcpSecret,
      }),
      listening,
    ),
  );
  const readers = fileURLToPath(new URL('servers/status-list-readers.ts', import.meta.url));
  opened.use(
    await startProcess([readers, issuer, String(OTHER_READERS)], { NODE_ENV: 'production' }, 'the readers wait'),
  );

  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(`${directory.path}/auth`, 'demo');
  const demo = { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
  const milliseconds: number[] = [];
  const requests: number[] = [];
  let [accepted, sent] = [0, 0];
  for (let number = 0; number < REVOCATIONS; number++) {
    // they share their status: what revokes the one revokes the other
    const forMcp = await getToken(issuer, demo, { grant_type: 'client_credentials', resource: mcp });
    const forApi = await getToken(
      issuer,
      { id: 'mcp', secret: mcpSecret },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: forMcp,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    );
    if ((await useApi(forApi)) !== 404 || (await useMcp(forMcp)) !== 200) throw new Error('a good token was refused');
    // every reader has applied the revocation before, and waits
    await delay(200);
    const before = Math.max(apiWay.acknowledged(), mcpWay.acknowledged());
    let revokedAt = Number.POSITIVE_INFINITY;
    const refusals = [
      untilRefused(
        () => useApi(forApi),
        () => apiWay.acknowledged() > before,
      ),
      untilRefused(
        () => useMcp(forMcp),
        () => mcpWay.acknowledged() > before,
      ),
    ];
    const response = await post(`${issuer}/oauth/revoke`, demo, { token: forMcp });
    if (response.status !== 200) throw new Error(`the revocation was answered ${response.status}`);
    revokedAt = performance.now();
    const refusedAt = await Promise.all(refusals);
    milliseconds.push(Math.max(0, ...refusedAt.map((at) => at - revokedAt)));
  }
  return {
    median: median(milliseconds),
    p99: percentile99(milliseconds),
    longest: Math.max(...milliseconds),
    revocations: milliseconds.length,
    acceptedAfterAcknowledgement: accepted,
    sentAfterAcknowledgement: sent,
    request: { median: median(requests), p99: percentile99(requests) },
  };

  /** Uses a token every millisecond until it has been refused for a while, and returns when that began. */
  async function untilRefused(use: () => Promise<number>, acknowledged: () => boolean): Promise<number> {
    let refusedAt: number | undefined;
    for (let refusals = 0; refusals < 5 || !acknowledged(); ) {
      await delay(1);
      const late = acknowledged();
      const began = performance.now();
      const status = await use();
      requests.push(performance.now() - began);
      if (late) sent += 1;
      if (status === 401) {
        refusals += 1;
        refusedAt ??= performance.now();
      } else if (late || refusedAt !== undefined) accepted += 1;
    }
    return refusedAt ?? Number.POSITIVE_INFINITY;
  }

  async function useApi(token: string): Promise<number> {
    // a todo that cannot be: whoever is let in is told so without the database
    const response = await fetch(`${api}/todos/none`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status;
  }

  async function useMcp(token: string): Promise<number> {
    const response = await fetch(mcp, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    await response.arrayBuffer();
    return response.status;
  }
}

/** What it takes to revoke a client whole. */
type ClientRevocation = {
  readonly milliseconds: readonly number[];
  readonly tokens: number;
  readonly blocks: number;
  readonly rows: number;
};

/** Measures how long it takes to revoke every token of a client: commit, and publication by the process that did it. */
async function measureClientRevocation(): Promise<ClientRevocation> {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  const { em } = orm;
  const logger = createLogger({ name: 'bench', level: 'error' });
  const signingKeys = await findOrCreateSigningKeys({ em, algorithm: 'ES256', keyEncryptionKey: randomBytes(32) });
  await using statusLists = await openStatusLists({ database, em, issuer: 'http://127.0.0.1:1', signingKeys, logger });
  const leases = createLeases({ em, listLifetimeSeconds: 3600, isInvalid: statusLists.isInvalid });
  const revocations = createRevocations({ em, statusLists });
  const milliseconds: number[] = [];
  const expiresAt = Math.floor(Date.now() / 1000) + 3600;
  let [blocks, rows] = [0, 0];
  for (let number = 0; number < CLIENTS; number++) {
    const client = `client-${number}`;
    await em.fork().execute(
      `insert into auth.client (client_id, name, scopes, resources, token_endpoint_auth_method)
         values (?, 'Bench', '{todos:read}', '{}', 'client_secret_basic')`,
      [client],
    );
    for (let token = 0; token < CLIENT_TOKENS; token++) await leases.assign(client, expiresAt);
    const before = await count();
    const began = performance.now();
    await revocations.revokeClient(client, {
      actor: 'bench',
      address: null,
      requestId: null,
      reason: 'measured',
    });
    milliseconds.push(performance.now() - began);
    blocks = before.leases - (await count()).leases;
    rows = (await count()).revocations - before.revocations;
  }
  return { milliseconds, tokens: CLIENT_TOKENS, blocks, rows };

  async function count() {
    const [counts] = await em
      .fork()
      .execute<{ leases: number; revocations: number }[]>(
        'select (select count(*)::int from auth.lease) as leases, (select count(*)::int from auth.revocation) as revocations',
      );
    return counts ?? { leases: 0, revocations: 0 };
  }
}

function percentile99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN;
}

const Memory = z.object({ bytes: z.number(), nanoseconds: z.number(), share: z.number() });

/** Measures what a million live tokens, of which one in a hundred is revoked, cost a reader. */
async function measureReader(): Promise<z.infer<typeof Memory>> {
  const script = fileURLToPath(new URL('servers/status-list-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script]);
  return Memory.parse(JSON.parse(stdout));
}

/** A way to the auth server on which is seen what its reader acknowledges. */
async function openWay(port: number) {
  let acknowledged = 0;
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming;
    const sequence = /^"(\d+)-/.exec(url === '/oauth/status-lists' ? (headers['if-none-match'] ?? '') : '')?.[1];
    if (sequence !== undefined) acknowledged = Math.max(acknowledged, Number(sequence));
    const outgoing = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  const own = await getFreePort();
  await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${own}`,
    /** The sequence of the newest revocation that its reader said to have applied. */
    acknowledged: () => acknowledged,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const TokenResponse = z.object({ access_token: z.string() });

async function getToken(issuer: string, client: Client, parameters: Record<string, string>): Promise<string> {
  const response = await post(`${issuer}/oauth/token`, client, parameters);
  return TokenResponse.parse(await response.json()).access_token;
}

type Client = { readonly id: string; readonly secret: string };

function post(url: string, { id, secret }: Client, parameters: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams(parameters),
  });
}

/** Measures revocation, and returns the lines that tell of it. It takes 40 s. */
export async function measureRevocation(): Promise<string[]> {
  const reader = await measureReader();
  const client = await measureClientRevocation();
  const propagation = await measurePropagation();
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    `a reader of 1,000,000 tokens, 1 % revoked: ${Math.round(reader.bytes / 1024)} KB (target 1,024), ${Math.round(reader.nanoseconds)} ns a lookup (target 1,000)`,
    `a client with ${client.tokens} tokens revoked: ${ms(Math.max(...client.milliseconds))} at the most (target 100), ${client.rows} rows for ${client.blocks} blocks`,
    `from the answer of the revocation endpoint until api and mcp refuse, with 100 readers: median ${ms(propagation.median)}, p99 ${ms(propagation.p99)} (target 50), longest ${ms(propagation.longest)}, of ${propagation.revocations}; a request takes ${ms(propagation.request.median)}, p99 ${ms(propagation.request.p99)}`,
    `accepted after its acknowledgement: ${propagation.acceptedAfterAcknowledgement} of ${propagation.sentAfterAcknowledgement} requests (target 0)`,
  ];
}
