import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClientSecret } from '../auth/clients/client-secret.ts';
import { findOrCreateCredentials } from '../auth/clients/credentials-file.ts';
import { getFreePort } from '../shared/testing/free-port.ts';
import { startLoopbackProxy } from '../shared/testing/loopback-proxy.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';
import { LIST_TOOLS } from '../test/support/mcp-messages.ts';
import { postAsClient } from '../test/support/post-as-client.ts';
import { postMcpMessage } from '../test/support/post-mcp-message.ts';
import { requestAccessToken } from '../test/support/request-access-token.ts';
import { startProcess } from '../test/support/start-process.ts';
import { tokenExchangeParameters } from '../test/support/token-exchange-parameters.ts';
import { median, percentile99 } from './statistics.ts';

/** The readers that wait for changes of the status lists, besides api and mcp. */
const OTHER_READERS = 98;

/** The number of revocations that are measured. */
const REVOCATIONS = 120;

/** How long to wait before a revocation, so that every reader has applied the one before and waits again. */
const SETTLE_MS = 200;

/** How fast revocations reach the resource servers. */
export type Propagation = {
  /** Milliseconds from the response of the revocation endpoint until both api and mcp reject the access token. */
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
  readonly revocations: number;
  /** Requests that api or mcp accepted although they were sent after it had acknowledged the revocation. */
  readonly acceptedAfterAcknowledgement: number;
  /** Requests that were sent after an acknowledgement. */
  readonly sentAfterAcknowledgement: number;
  /** Milliseconds of a request to api or mcp during the measurement. No rejection can be observed in less time. */
  readonly request: { readonly median: number; readonly p99: number };
};

/** Measures how long api and mcp accept a revoked access token while 100 readers wait for changes. */
export async function measurePropagation(): Promise<Propagation> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(makeTemporaryDirectory());
  const database = resources.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const issuer = `http://127.0.0.1:${authPort}`;
  const apiResource = `http://127.0.0.1:${apiPort}/api/v1`;
  const mcpResource = `http://127.0.0.1:${mcpPort}/mcp`;
  const [apiSecret, mcpSecret] = [createClientSecret(), createClientSecret()];
  const databaseUrl = database.kind === 'postgresql' ? database.url : undefined;
  const start = async (service: string, variables: Record<string, string>) => {
    const environment = {
      NODE_ENV: 'production',
      AUTH_ISSUER: issuer,
      API_RESOURCE: apiResource,
      MCP_RESOURCE: mcpResource,
      YATA_DATA_DIR: `${directory.path}/${service}`,
      ...variables,
    };
    resources.use(await startProcess([`${service}/main.ts`], environment, '"listening"'));
  };
  await start('auth', {
    AUTH_PORT: String(authPort),
    API_CLIENT_SECRET: apiSecret,
    MCP_CLIENT_SECRET: mcpSecret,
    ...(databaseUrl && { AUTH_DATABASE_URL: databaseUrl }),
  });
  const apiProxy = resources.use(await startAcknowledgementProxy(issuer));
  const mcpProxy = resources.use(await startAcknowledgementProxy(issuer));
  await start('api', {
    API_PORT: String(apiPort),
    AUTH_URL: apiProxy.origin,
    OAUTH_CLIENT_ID: 'api',
    OAUTH_CLIENT_SECRET: apiSecret,
    ...(databaseUrl && { API_DATABASE_URL: databaseUrl }),
  });
  await start('mcp', {
    MCP_PORT: String(mcpPort),
    AUTH_URL: mcpProxy.origin,
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: mcpSecret,
  });
  const readers = fileURLToPath(new URL('servers/status-list-readers.ts', import.meta.url));
  resources.use(
    await startProcess(
      [readers, issuer, String(OTHER_READERS)],
      { NODE_ENV: 'production', OAUTH_CLIENT_ID: 'api', OAUTH_CLIENT_SECRET: apiSecret },
      'the readers wait',
    ),
  );

  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(`${directory.path}/auth`, 'demo');
  const demo = { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
  const delaysMs: number[] = [];
  const requestsMs: number[] = [];
  let [accepted, sent] = [0, 0];
  for (let number = 0; number < REVOCATIONS; number++) {
    // the exchanged access token shares the status of its subject token, so that one revocation revokes both
    const forMcp = await requestAccessToken(issuer, demo, { resource: mcpResource });
    const forApi = await requestAccessToken(issuer, { id: 'mcp', secret: mcpSecret }, tokenExchangeParameters(forMcp));
    if ((await useAtApi(forApi)) !== 404 || (await useAtMcp(forMcp)) !== 200)
      throw new Error('api or mcp rejected a valid access token');
    await delay(SETTLE_MS);
    const before = Math.max(apiProxy.acknowledged(), mcpProxy.acknowledged());
    const rejections = [
      waitForRejection(
        () => useAtApi(forApi),
        () => apiProxy.acknowledged() > before,
      ),
      waitForRejection(
        () => useAtMcp(forMcp),
        () => mcpProxy.acknowledged() > before,
      ),
    ];
    const response = await postAsClient(`${issuer}/oauth/revoke`, demo, { token: forMcp });
    if (response.status !== 200) throw new Error(`the revocation endpoint responded with ${response.status}`);
    const revokedAt = performance.now();
    const rejectedAt = await Promise.all(rejections);
    delaysMs.push(Math.max(0, ...rejectedAt.map((at) => at - revokedAt)));
  }
  return {
    median: median(delaysMs),
    p99: percentile99(delaysMs),
    longest: Math.max(...delaysMs),
    revocations: delaysMs.length,
    acceptedAfterAcknowledgement: accepted,
    sentAfterAcknowledgement: sent,
    request: { median: median(requestsMs), p99: percentile99(requestsMs) },
  };

  /**
   * Uses an access token every millisecond until five requests were rejected and the reader has acknowledged the
   * revocation. Returns the time of the first rejection.
   */
  async function waitForRejection(use: () => Promise<number>, isAcknowledged: () => boolean): Promise<number> {
    let rejectedAt: number | undefined;
    for (let rejections = 0; rejections < 5 || !isAcknowledged(); ) {
      await delay(1);
      const acknowledgedBefore = isAcknowledged();
      const startedAt = performance.now();
      const status = await use();
      requestsMs.push(performance.now() - startedAt);
      if (acknowledgedBefore) sent += 1;
      if (status === 401) {
        rejections += 1;
        rejectedAt ??= performance.now();
      } else if (acknowledgedBefore || rejectedAt !== undefined) accepted += 1;
    }
    return rejectedAt ?? Number.POSITIVE_INFINITY;
  }

  async function useAtApi(accessToken: string): Promise<number> {
    // the id is not valid, so that api answers an accepted request without its database
    const response = await fetch(`${apiResource}/todos/none`, { headers: { authorization: `Bearer ${accessToken}` } });
    await response.arrayBuffer();
    return response.status;
  }

  async function useAtMcp(accessToken: string): Promise<number> {
    const response = await postMcpMessage(mcpResource, LIST_TOOLS, { accessToken });
    await response.arrayBuffer();
    return response.status;
  }
}

/** Starts a proxy in front of auth that observes which revocations its reader acknowledges. */
async function startAcknowledgementProxy(issuer: string) {
  let acknowledged = 0;
  const proxy = await startLoopbackProxy({
    target: () => issuer,
    rewriteHeaders(headers, path) {
      const entityTag = path === '/oauth/status-lists' ? headers['if-none-match'] : undefined;
      const sequence = /^"(\d+)-/.exec(entityTag ?? '')?.[1];
      if (sequence !== undefined) acknowledged = Math.max(acknowledged, Number(sequence));
      return headers;
    },
  });
  return {
    origin: proxy.origin,
    /** The sequence of the newest revocation that the reader has acknowledged. */
    acknowledged: () => acknowledged,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
