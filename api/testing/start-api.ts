import { pino } from 'pino';
import type { Database } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { limitRequests } from '../../shared/http/limit-requests.ts';
import { createMetrics } from '../../shared/http/metrics.ts';
import { serve } from '../../shared/http/serve.ts';
import { createAccessTokenVerifier } from '../../shared/resource-server/access-token-verifier.ts';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { startTokenIssuer, type TokenIssuer } from '../../shared/testing/token-issuer.ts';
import { createApiApp } from '../app.ts';
import { apiDatabase } from '../database/definition.ts';
import { createOpenApiDocument } from '../openapi/document.ts';
import { openTodoChangeFeed } from '../todos/change-feed.ts';
import { createTodos } from '../todos/todos.ts';
import { createConformingFetch } from './conforming-fetch.ts';

/** The resource identifier of the API in tests, which is not where it listens. */
export const resource = 'http://api.example/api/v1';

/** Calls an API with the access token of one subject. A body is sent as JSON, bytes as they are. */
export type Caller = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }>;

/** Milliseconds within which every request is answered. */
const ANSWER_WITHIN = 20_000;

let subjects = 0;

/** Starts the API on a database of its own, with an issuer for tests. Its `fetch` holds every answer against the description. */
export async function startApi({
  beside,
  identifier = resource,
  port = 0,
  requests = 100_000,
  isRevoked = () => false,
}: {
  /** An API whose database and issuer it has too, as another process would. */
  beside?: { readonly issuer: TokenIssuer; readonly database: Database };

  /** Its resource identifier. */
  identifier?: string;
  port?: number;
  /** That a subject may make in a minute. */
  requests?: number;
  isRevoked?: () => boolean;
} = {}) {
  await using starting = new AsyncDisposableStack();
  const issuer = beside?.issuer ?? starting.use(await startTokenIssuer({ audience: identifier }));
  const database = beside?.database ?? starting.use(await openTestDatabase());
  const { em } = starting.use(await openOrm(database, apiDatabase));
  const { keys } = createIssuer({ identifier: issuer.identifier });
  const protectedResource = {
    resource: identifier,
    authorizationServer: issuer.identifier,
    scopes: TODO_SCOPES,
    name: 'Todos',
  };
  const todos = createTodos(em);
  const app = createApiApp({
    todos,
    changeFeed: starting.use(await openTodoChangeFeed({ database, em })),
    verify: createAccessTokenVerifier({
      issuer: issuer.identifier,
      audience: identifier,
      keys,
      isRevoked,
    }),
    protectedResource,
    limitRequests: limitRequests({ requests, seconds: 60 }),
    checks: { database: () => em.fork().execute('select 1'), keys: keys.load },
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
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
    answered: conforming.answered,
    fetch: fetchConforming,
    issueToken,
    /** Somebody with an access token, and no todos unless `claims` name a subject that has some. */
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
          signal: AbortSignal.timeout(ANSWER_WITHIN),
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
    subjects += 1;
    return issuer.issue({ claims: { sub: `subject-${subjects}`, ...claims } });
  }

  function fetchConforming(path: string, init?: RequestInit): Promise<Response> {
    return conforming.fetch(`http://127.0.0.1:${server.port}${path}`, init);
  }
}
