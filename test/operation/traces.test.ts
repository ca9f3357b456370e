import { spawn } from 'node:child_process';
import { once } from 'node:events';
import Koa from 'koa';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '../../shared/database/pool.ts';
import { createRouteFinder } from '../../shared/http/find-route.ts';
import { serve } from '../../shared/http/serve.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { openTracing } from '../../shared/tracing/tracing.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type OtlpCollector, type ReceivedSpan, startOtlpCollector } from '../support/start-otlp-collector.ts';
import { startSystem } from '../support/start-system.ts';

const isPostgresql = process.env.TEST_DATABASE_URL !== undefined;

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN_ID = 'b7ad6b7169203331';
const UNSAMPLED_TRACE_ID = 'aaf7651916cd43dd8448eb211c80319c';

let collector: OtlpCollector;
/** What must not be in a trace. */
const secrets: string[] = [];

beforeAll(async () => {
  collector = await startOtlpCollector();
  const system = await startSystem({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=very%20secret',
  });
  try {
    const client = await system.registerClient();
    const accessToken = await system.getAccessToken(client, { resource: system.mcpResource });
    secrets.push(client.secret, accessToken, system.environment.MCP_CLIENT_SECRET ?? 'none');
    const call = (name: string, args: object, traceId: string, flags: string) =>
      postMcpMessage(system.mcpResource, createToolCall(name, args), {
        accessToken,
        headers: { traceparent: `00-${traceId}-${CLIENT_SPAN_ID}-${flags}`, 'x-request-id': 'my-request-1' },
      });
    const created = await call('create_todo', { title: 'a private title' }, TRACE_ID, '01');
    expect(await created.text()).toContain('a private title');
    const listed = await call('list_todos', { query: 'private' }, TRACE_ID, '01');
    expect(await listed.text()).toContain('a private title');
    await call('list_todos', {}, UNSAMPLED_TRACE_ID, '00');
  } finally {
    // sends the spans
    await system[Symbol.asyncDispose]();
  }
}, 60_000);
afterAll(() => collector[Symbol.asyncDispose]());

function find(service: string, kind: ReceivedSpan['kind'], name: string): ReceivedSpan {
  const span = collector.spans.find((one) => one.service === service && one.kind === kind && one.name === name);
  if (span === undefined)
    throw new Error(`no ${kind} span "${name}" of ${service} in ${JSON.stringify(collector.spans, undefined, 1)}`);
  return span;
}

test('one trace goes from the client through mcp, auth and api', () => {
  const ofMcp = find('yata-mcp', 'server', 'POST /mcp');
  expect(ofMcp).toMatchObject({ traceId: TRACE_ID, parentId: CLIENT_SPAN_ID });
  expect(ofMcp.attributes).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'http.route': '/mcp',
    'url.scheme': 'http',
    'yata.request_id': 'my-request-1',
  });
  for (const [service, name] of [
    ['yata-auth', 'POST /oauth/token'],
    ['yata-api', 'POST /api/v1/todos'],
    ['yata-api', 'GET /api/v1/todos'],
  ] as const) {
    const span = collector.spans.find(
      (one) => one.traceId === TRACE_ID && one.service === service && one.name === name,
    );
    const sent = collector.spans.find(({ spanId }) => spanId === span?.parentId);
    expect(sent).toMatchObject({ traceId: TRACE_ID, service: 'yata-mcp', kind: 'client' });
    expect(collector.spans.find(({ spanId }) => spanId === sent?.parentId)).toMatchObject({ name: 'POST /mcp' });
  }
});

test.runIf(isPostgresql)('the trace has the statements that PostgreSQL executed for the request', () => {
  const childrenOf = (name: string) =>
    collector.spans.filter(({ parentId }) => {
      const parent = collector.spans.find(({ spanId }) => spanId === parentId);
      return parent?.service === 'yata-api' && parent.name === name && parent.traceId === TRACE_ID;
    });
  expect(childrenOf('GET /api/v1/todos')).toContainEqual(
    expect.objectContaining({
      kind: 'client',
      name: 'SELECT api.todo',
      attributes: expect.objectContaining({
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.collection.name': 'api.todo',
      }),
    }),
  );
  const written = childrenOf('POST /api/v1/todos').map(({ name }) => name);
  expect(written).toContain('BEGIN');
  expect(written).toContain('COMMIT');
});

test('a trace has no token, secret, text of a todo or search words', () => {
  const received = collector.bodies.join('\n');
  expect(received).toContain('yata-mcp');
  for (const secret of [...secrets, 'private', 'query=']) expect(received).not.toContain(secret);
});

test('a client can ask not to be traced', () => {
  expect(collector.spans.filter(({ traceId }) => traceId === UNSAMPLED_TRACE_ID)).toEqual([]);
});

test('requests for status lists, health and metrics are not traced as requests of a client', () => {
  const names = new Set(collector.spans.filter(({ kind }) => kind === 'server').map(({ name }) => name));
  expect([...names].filter((name) => /metrics|health/.test(name))).toEqual([]);
});

test('the collector gets the headers of OTEL_EXPORTER_OTLP_HEADERS', () => {
  expect(collector.headers[0]).toMatchObject({ 'x-collector-key': 'very secret' });
});

test.runIf(isPostgresql)('a statement that waits for a connection is in the trace of its own request', async () => {
  await using own = await startOtlpCollector();
  const config = { OTEL_EXPORTER_OTLP_ENDPOINT: own.url, OTEL_TRACES_SAMPLER_ARG: 1 };
  await using stack = new AsyncDisposableStack();
  const tracing = await openTracing(config, 'test');
  const pool = openPool(process.env.TEST_DATABASE_URL ?? '', {
    max: 1,
    timeout: 5_000,
    onIdleError: () => undefined,
    observe: tracing.tracePool,
  });
  stack.defer(() => pool.end());
  const lines: object[] = [];
  const logger = pino({ mixin: tracing.logFields ?? (() => ({})) }, { write: (line) => lines.push(JSON.parse(line)) });
  const app = new Koa();
  app.use(tracing.traceRequests?.(createRouteFinder(['/one', '/two', '/three'])) ?? ((_, next) => next()));
  app.use(async (ctx) => {
    await pool.query(ctx.path === '/three' ? 'select no_such_column' : 'select pg_sleep(0.05)').catch(() => undefined);
    logger.info({ path: ctx.path }, 'queried');
    ctx.body = '';
  });
  const server = stack.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  const paths = ['/one', '/two', '/three'];
  await Promise.all(paths.map((path) => fetch(`http://127.0.0.1:${server.port}${path}`)));
  await tracing[Symbol.asyncDispose]();
  for (const path of paths) {
    const request = own.spans.find(({ name }) => name === `GET ${path}`);
    const statements = own.spans.filter(({ parentId }) => parentId === request?.spanId);
    expect(statements.map(({ name }) => name)).toEqual(['SELECT']);
    expect(lines).toContainEqual(
      expect.objectContaining({ path, trace_id: request?.traceId, span_id: request?.spanId }),
    );
    if (path === '/three') expect(statements[0]?.attributes).toMatchObject({ 'db.response.status_code': '42703' });
  }
});

test('a client cannot make the services record more traces than OTEL_TRACES_SAMPLER_ARG', async () => {
  await using own = await startOtlpCollector();
  await using traced = await serveTraced(own.url, 0);
  await fetch(traced.url, { headers: { traceparent: `00-${TRACE_ID}-${CLIENT_SPAN_ID}-01` } });
  await traced.tracing[Symbol.asyncDispose]();
  expect(own.spans).toEqual([]);
});

test.each([
  ['cannot be reached', async () => `http://127.0.0.1:${await getFreePort()}`],
  ['rejects traces', async () => `${collector.url}/wrong`],
])('requests are answered while the collector %s, and the log says so once', async (_, findEndpoint) => {
  await using traced = await serveTraced(await findEndpoint(), 1);
  const lines: { event: string }[] = [];
  traced.tracing.reportTo(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }));
  expect(await (await fetch(traced.url)).text()).toBe('answered');
  const start = performance.now();
  await traced.tracing[Symbol.asyncDispose]();
  expect(performance.now() - start).toBeLessThan(5_000);
  await expect.poll(() => lines.map(({ event }) => event)).toEqual(['traces.export_failed']);
});

/** Serves an app whose requests are traced. */
async function serveTraced(endpoint: string, ratio: number) {
  const config = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio };
  const tracing = await openTracing(config, 'test');
  const app = new Koa();
  app.use(tracing.traceRequests?.(createRouteFinder()) ?? ((_, next) => next()));
  app.use((ctx) => {
    ctx.body = 'answered';
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    tracing,
    url: `http://127.0.0.1:${server.port}/`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

// prom-client loads the package with the interfaces in any case
test.each([
  ['is not loaded without OTEL_EXPORTER_OTLP_ENDPOINT', {}, false],
  ['is loaded with it', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, true],
])('the SDK of OpenTelemetry %s', async (_, variables, isLoaded) => {
  const hook = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { if (/@opentelemetry.(?!api.)/.test(url)) loaded.push(url); return next(url, context); } });
    process.on('exit', () => process.stderr.write(JSON.stringify(loaded.length > 0)));`;
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, 'mcp/main.ts'],
    {
      env: {
        PATH: process.env.PATH,
        MCP_PORT: String(await getFreePort()),
        OAUTH_CLIENT_ID: 'mcp',
        OAUTH_CLIENT_SECRET: 'x'.repeat(43),
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  let stdout = '';
  for await (const chunk of child.stdout) {
    stdout += chunk;
    if (stdout.includes('server.listening')) break;
  }
  child.kill('SIGINT');
  await once(child, 'exit');
  expect(stderr).toBe(String(isLoaded));
});
