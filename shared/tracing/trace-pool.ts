import { AsyncLocalStorage } from 'node:async_hooks';
import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type pg from 'pg';
import { describeStatement } from './describe-statement.ts';
import type { SpanMaker } from './open-telemetry.ts';

/** Both forms of a query of the driver, and of a request for a connection: with a callback, and with a promise. */
type Call = (...parameters: unknown[]) => unknown;

/**
 * Makes a span of each statement that is executed on a connection of `pool` while a traced request is handled. The span has
 * neither the statement nor its values, which are data of users.
 */
export function tracePool(spans: SpanMaker, pool: pg.Pool): void {
  const connect: Call = pool.connect.bind(pool);
  Object.assign(pool, {
    // a callback is called when another request releases its connection
    connect: (...parameters: unknown[]) => connect(...parameters.map(bindToContext)),
  });
  pool.on('connect', (client) => traceClient(spans, client));
}

function traceClient({ tracer, storage }: SpanMaker, client: pg.PoolClient): void {
  const query: Call = client.query.bind(client);
  const { host, port, database } = client;
  Object.assign(client, {
    query(...parameters: unknown[]) {
      const parent = storage.getStore();
      const text = textOf(parameters[0]);
      if (parent === undefined || text === undefined) return query(...parameters);
      const { operation, collection } = describeStatement(text);
      const span = tracer.startSpan(
        collection === undefined ? operation : `${operation} ${collection}`,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'db.system.name': 'postgresql',
            'db.operation.name': operation,
            ...(collection !== undefined && { 'db.collection.name': collection }),
            ...(database !== undefined && { 'db.namespace': database }),
            'server.address': host,
            'server.port': port,
          },
        },
        parent,
      );
      const callback = parameters.at(-1);
      if (typeof callback === 'function') {
        const traced = (error: unknown, ...results: unknown[]) => {
          end(span, error ?? undefined);
          callback(error, ...results);
        };
        return query(...parameters.slice(0, -1), AsyncLocalStorage.bind(traced));
      }
      const result = query(...parameters);
      if (result instanceof Promise)
        result.then(
          () => end(span),
          (error: unknown) => end(span, error),
        );
      else span.end();
      return result;
    },
  });
}

function bindToContext(parameter: unknown): unknown {
  return typeof parameter === 'function' ? AsyncLocalStorage.bind(parameter as Call) : parameter;
}

/** The text of a query, in each form that the driver accepts; undefined for a query that reads a cursor or a stream. */
function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query;
  const { text, submit } = Object(query);
  return typeof text === 'string' && submit === undefined ? text : undefined;
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const { code, name } = Object(error);
    // a SQLSTATE, or a code such as ECONNRESET. A message can have data of users.
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) span.setAttribute('db.response.status_code', code);
    span.setAttribute('error.type', String(code ?? name ?? 'unknown'));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
