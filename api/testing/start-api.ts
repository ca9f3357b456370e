import { pino } from 'pino';
import type { Database } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { createMetrics } from '../../shared/http/metrics.ts';
import { serve } from '../../shared/http/serve.ts';
import { openPointCounter } from '../../shared/rate-limit/point-counter.ts';
import { createRateLimit } from '../../shared/rate-limit/rate-limit.ts';
import { createAccessTokenVerifier } from '../../shared/resource-server/access-token-verifier.ts';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { startTokenIssuer, type TokenIssuer } from '../../shared/testing/token-issuer.ts';
import { createApiApp } from '../app.ts';
import { apiDatabase } from '../database/definition.ts';
import { createOpenApiDocument } from '../openapi/document.ts';
import { openTodoChangeFeed } from '../todos/change-feed/change-feed.ts';
import type { Quota } from '../todos/quota.ts';
import { openTodos } from '../todos/todos.ts';
import { createConformingFetch } from './conforming-fetch.ts';

/** The resource identifier of the API in tests. It differs from the address at which the API listens. */
export const resource = 'http://api.example/api/v1';

/** Sends a request to an API with an access token of one subject. A `Uint8Array` is sent unchanged, any other body as JSON. */
export type Caller = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }>;

/** How long a request may take. */
const REQUEST_TIMEOUT_MS = 20_000;

let subjectCount = 0;

/** Starts the API with a test database and a token issuer. Its `fetch` checks every response against the OpenAPI document. */
export async function startApi({
  sharedWith,
  identifier = resource,
  port = 0,
  pointsPerMinute = 1_000_000,
  isRevoked = () => false,
  quota = { todos: 50_000, bytes: 100_000_000 },
}: {
  /** An API whose database and token issuer it uses, as another process of the same installation does. */
  sharedWith?: { readonly issuer: TokenIssuer; readonly database: Database };

  /** The resource identifier. */
  identifier?: string;
  port?: number;
  /** The rate limit of each subject. */
  pointsPerMinute?: number;
  isRevoked?: () => boolean;
  /** What each subject can store. */
  quota?: Quota;
} = {}) {
  await using starting = new AsyncDisposableStack();
  const issuer = sharedWith?.issuer ?? starting.use(await startTokenIssuer({ audience: identifier }));
  const database = sharedWith?.database ?? starting.use(await openTestDatabase());
  const { em } = starting.use(await openOrm(database, apiDatabase));
  const { keys } = createIssuer({ identifier: issuer.identifier });
  const protectedResource = {
    resource: identifier,
    authorizationServer: issuer.identifier,
    scopes: TODO_SCOPES,
    name: 'Todos',
  };
  const logger = pino({ level: 'silent' });
  const changeFeed = starting.use(await openTodoChangeFeed({ database, em }));
  const todos = starting.use(openTodos({ em, database, quota, onChange: changeFeed.noteChange, logger }));
  const points = starting.use(await openPointCounter({ limit: pointsPerMinute, logger }));
  const app = createApiApp({
    todos,
    changeFeed,
    verify: createAccessTokenVerifier({
      issuer: issuer.identifier,
      audience: identifier,
      keys,
      isRevoked,
    }),
    protectedResource,
    rateLimit: createRateLimit(points),
    checks: { database: () => em.fork().execute('select 1'), keys: keys.load },
    metrics: createMetrics(),
    logger,
  });
  const server = starting.use(await serve(app.callback(), { port, host: '127.0.0.1', drainFor: 1_000 }));
  const conforming = createConformingFetch(createOpenApiDocument(protectedResource));
  const running = starting.move();
  return {
    issuer,
    database,
    em,
    todos,
    port: server.port,
    seenResponses: conforming.seenResponses,
    seenCodes: conforming.seenCodes,
    fetch: fetchConforming,
    issueToken,
    /** Creates a caller with a new subject, unless `claims` name one. */
    async createCaller(claims: { sub?: string; scope?: string } = {}): Promise<Caller> {
      const token = await issueToken(claims);
      return async (method, path, body, headers = {}) => {
        const response = await fetchConforming(path, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        });
        const text = await response.text();
        const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
        return {
          status: response.status,
          headers: response.headers,
          body: isJson && text !== '' ? JSON.parse(text) : text,
        };
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };

  function issueToken(claims: { sub?: string; scope?: string } = {}): Promise<string> {
    subjectCount += 1;
    return issuer.issue({ claims: { sub: `subject-${subjectCount}`, ...claims } });
  }

  function fetchConforming(path: string, init?: RequestInit): Promise<Response> {
    return conforming.fetch(`http://127.0.0.1:${server.port}${path}`, init);
  }
}
