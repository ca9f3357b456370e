import { join } from 'node:path';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import pg from 'pg';
import { vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import type { FetchPublic } from '../../auth/client-metadata-documents/fetch-public.ts';
import { createClientSecret, hashClientSecret } from '../../auth/clients/client-secret.ts';
import { type NewClient, openClients } from '../../auth/clients/clients.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { TOKEN_REQUEST_QUOTAS, type TokenRequestQuotas } from '../../auth/request-limits/token-request-limits.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { FEATURES, type ServerFeatures } from '../../mcp/features.ts';
import { startMcp } from '../../mcp/main.ts';
import type { Database } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { postAsClient } from './post-as-client.ts';
import { requestAccessToken } from './request-access-token.ts';

/** The id and the secret of a client. */
export type TestClient = { readonly id: string; readonly secret: string };

/** auth, api and mcp on free ports, each with its own database connections, as three processes have them. */
export type System = AsyncDisposable & {
  readonly issuer: string;
  readonly apiResource: string;
  readonly mcpResource: string;
  readonly database: Database;
  /** Connections to the database of auth, apart from those of auth itself. */
  readonly em: SqlEntityManager;
  readonly environment: Record<string, string>;
  /** Registers a client. It may read and write todos at api and mcp, unless `client` has other values. */
  readonly registerClient: (client?: Partial<NewClient>) => Promise<TestClient>;
  /** Posts a form to the token endpoint. The grant is client credentials, unless `parameters` name another. */
  readonly postToken: (client: TestClient, parameters?: Record<string, string>) => Promise<Response>;
  /** Requests an access token like `postToken`. @throws when the response has none. */
  readonly getAccessToken: (client: TestClient, parameters?: Record<string, string>) => Promise<string>;
  readonly stopAuth: () => Promise<void>;
  /** Starts to count database statements. The function that it returns returns their number so far. */
  readonly countStatements: () => () => number;
};

/** Starts auth, api and mcp in this process, on one test database. `variables` are environment variables of all three. */
export async function startSystem(
  variables: Record<string, string> = {},
  {
    features = FEATURES,
    quotas = TOKEN_REQUEST_QUOTAS,
    fetchPublic = async () => {
      throw new Error('this test has no Internet');
    },
    host = '127.0.0.1',
  }: {
    features?: ServerFeatures;
    quotas?: TokenRequestQuotas;
    fetchPublic?: FetchPublic;
    /** The host of every address. A browser knows passkeys on `localhost`, and not on an IP address. */
    host?: 'localhost' | '127.0.0.1';
  } = {},
): Promise<System> {
  await using starting = new AsyncDisposableStack();
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const issuer = `http://${host}:${authPort}`;
  const apiResource = `http://${host}:${apiPort}/api/v1`;
  const mcpResource = `http://${host}:${mcpPort}/mcp`;
  const [apiSecret, mcpSecret] = [createClientSecret(), createClientSecret()];
  const directory = starting.use(makeTemporaryDirectory());
  const environment = {
    AUTH_PORT: String(authPort),
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    AUTH_ISSUER: issuer,
    API_RESOURCE: apiResource,
    MCP_RESOURCE: mcpResource,
    API_CLIENT_SECRET: apiSecret,
    MCP_CLIENT_SECRET: mcpSecret,
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: mcpSecret,
    YATA_DATA_DIR: join(directory.path, 'data'),
    LOG_LEVEL: 'silent',
    ...variables,
  };
  const apiCredentials = { OAUTH_CLIENT_ID: 'api', OAUTH_CLIENT_SECRET: apiSecret };
  const database = starting.use(await openTestDatabase());
  const auth = starting.use(await startAuth(readAuthConfig(environment), database, { quotas, fetchPublic }));
  starting.use(await startApi(readApiConfig({ ...environment, ...apiCredentials }), database));
  starting.use(await startMcp(readMcpConfig(environment), { features }));
  // clients are registered through separate connections, so that auth learns of them as from another process
  const { em } = starting.use(await openOrm(database, authDatabase, { poolSize: 2 }));
  const clients = starting.use(await openClients({ database, em }));
  const running = starting.move();

  return {
    issuer,
    apiResource,
    mcpResource,
    database,
    em,
    environment,
    async registerClient(client = {}) {
      const credentials = {
        id: client.clientId ?? `client-${createClientSecret().slice(0, 8)}`,
        secret: createClientSecret(),
      };
      await clients.register({
        clientId: credentials.id,
        name: 'Test',
        scopes: ['todos:read', 'todos:write'],
        resources: [apiResource, mcpResource],
        resourceServer: null,
        tokenEndpointAuthMethod: 'client_secret_basic',
        secretHash: hashClientSecret(credentials.secret),
        jwks: null,
        ...client,
      });
      return credentials;
    },
    postToken: (client, parameters) =>
      postAsClient(`${issuer}/oauth/token`, client, { grant_type: 'client_credentials', ...parameters }),
    getAccessToken: (client, parameters) => requestAccessToken(issuer, client, parameters),
    stopAuth: async () => auth[Symbol.asyncDispose](),
    countStatements() {
      const spies =
        database.kind === 'embedded'
          ? [vi.spyOn(database.pglite, 'execProtocol'), vi.spyOn(database.pglite, 'execProtocolStream')]
          : [vi.spyOn(pg.Client.prototype, 'query')];
      return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
