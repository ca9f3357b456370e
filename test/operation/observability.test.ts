import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem } from '../support/start-system.ts';

/** Metrics whose value is a fixed number, with which another metric is compared. */
const CONSTANTS: Readonly<Record<string, string>> = {
  process_max_fds: 'a limit of the operating system',
  database_pool_connections_max: 'a limit of the program',
  process_start_time_seconds: 'it changes when a process starts',
};

/** Metrics of Prometheus itself. */
const BUILT_IN = ['up'];

/** Metrics that have no series with the embedded database. */
const ONLY_POSTGRESQL = /^database_pool_/;

const isPostgresql = process.env.TEST_DATABASE_URL !== undefined;

/** The values that each series has had, by its name with its labels. */
type Seen = Map<string, Set<number>>;

let system: System;
const seen: Seen = new Map();

beforeAll(async () => {
  system = await startSystem();
}, 60_000);
afterAll(() => system[Symbol.asyncDispose]());

test('every metric of the dashboard and the alerts is scraped from a running system, and changes under load', async () => {
  const used = readUsedMetrics();
  expect(used.length).toBeGreaterThan(30);
  const expected = used
    .filter((name) => !BUILT_IN.includes(name))
    .filter((name) => isPostgresql || !ONLY_POSTGRESQL.test(name));
  const stopped = new AbortController();
  const scraping = scrapeUntil(stopped.signal);
  try {
    await load();
    await expect
      .poll(() => expected.filter((name) => !(name in CONSTANTS) && !hasChanged(name)), { timeout: 10_000 })
      .toEqual([]);
  } finally {
    stopped.abort();
    await scraping;
  }
  expect(Object.keys(CONSTANTS).filter((name) => expected.includes(name) && !hasSeries(name))).toEqual([]);
}, 60_000);

test('every label of the dashboard and the alerts is one of a running system', () => {
  const used = readExpressions().flatMap((expression) => [
    ...expression.matchAll(/\b([a-z_]+)(?:=~|!~|!=|=)"/g),
    ...[...expression.matchAll(/\bby \(([a-z_, ]+)\)/g)].flatMap(([, labels = '']) => [
      ...labels.matchAll(/([a-z_]+)/g),
    ]),
  ]);
  const names = new Set(used.map(([, label = '']) => label));
  const known = new Set(['job', 'instance']);
  for (const series of seen.keys()) for (const [, label = ''] of series.matchAll(/[{,]([a-z_]+)="/g)) known.add(label);
  if (!isPostgresql) known.add('pool');
  expect([...names].filter((name) => !known.has(name))).toEqual([]);
});

test('a client cannot add labels, and no label names a client', async () => {
  const client = await system.registerClient({ clientId: 'a-named-client' });
  const token = await system.getAccessToken(client);
  await requestTodos(system.apiResource, token);
  await system.postToken(client, { grant_type: 'a-new-grant' });
  for (const url of [system.issuer, system.apiResource, system.mcpResource]) {
    const { origin } = new URL(url);
    await fetch(`${origin}/a-new-path`, { method: 'PROPFIND' });
    await fetch(`${url}/todos/a-new-id`, { headers: { authorization: `Bearer ${token}` } });
    await fetch(`${origin}/oauth/token/a-new-path`, { method: 'POST' });
    await fetch(`${origin}/.well-known/a-new-path`);
  }
  for (const url of [system.issuer, system.apiResource, system.mcpResource]) {
    const text = await (await fetch(new URL('/metrics', url))).text();
    expect(text).toContain('http_request_duration_seconds_count{method="_OTHER",route="other"');
    expect(text).not.toMatch(/a-new-|PROPFIND|a-named-client/);
  }
  const ofAuth = await (await fetch(new URL('/metrics', system.issuer))).text();
  expect(ofAuth).toContain('oauth_token_request_duration_seconds_count{grant_type="other"');
});

/** Scrapes the three services again and again. */
async function scrapeUntil(stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    for (const url of [system.issuer, system.apiResource, system.mcpResource]) {
      const text = await (await fetch(new URL('/metrics', url))).text();
      for (const [, series = '', value = ''] of text.matchAll(/^([a-z][^ ]*(?:\{.*\})?) (\S+)$/gm)) {
        const key = `${new URL(url).port} ${series}`;
        seen.set(key, (seen.get(key) ?? new Set()).add(Number(value)));
      }
    }
    await delay(5);
  }
}

function seriesOf(name: string): Set<number>[] {
  const pattern = new RegExp(`^\\d+ ${name}(?:\\{|$)`);
  return [...seen].filter(([series]) => pattern.test(series)).map(([, values]) => values);
}

function hasSeries(name: string): boolean {
  return seriesOf(name).length > 0;
}

function hasChanged(name: string): boolean {
  return seriesOf(name).some((values) => values.size > 1);
}

/** Does for each metric what changes it. */
async function load(): Promise<void> {
  const client = await system.registerClient();
  const reader = await system.registerClient({ resourceServer: system.apiResource });
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const token = await system.getAccessToken(client);
  const mcpToken = await system.getAccessToken(client, { resource: system.mcpResource });
  const adminToken = await system.getAccessToken(admin, { resource: `${system.issuer}/admin` });

  for (let index = 0; index < 5; index += 1)
    await requestTodos(system.apiResource, token, {
      method: 'POST',
      body: JSON.stringify({ title: `todo ${index}` }),
    });
  // clients that auth has to look up, more than its pool has connections
  if (isPostgresql)
    await whileLocked('auth.client', 'database_pool_waiting', () =>
      Array.from({ length: 30 }, (_, index) => system.postToken({ id: `unknown-${index}`, secret: 'x'.repeat(43) })),
    );
  for (const name of ['list_todos', 'list_todos', 'get_todo', 'get_todo'])
    await postMcpMessage(system.mcpResource, createToolCall(name), { accessToken: mcpToken });

  const waiting = { headers: { authorization: `Bearer ${token}`, prefer: 'wait=1' } };
  const { next } = ChangeFeed.parse(await (await fetch(`${system.apiResource}/todos/changes`, waiting)).json());
  const credentials = Buffer.from(`${reader.id}:${reader.secret}`).toString('base64');
  const lists = `${system.issuer}/oauth/status-lists`;
  const known = { 'if-none-match': (await fetch(lists)).headers.get('etag') ?? '' };
  // a reader that never applies what follows
  await fetch(lists, { headers: { ...known, authorization: `Basic ${credentials}` } });
  await Promise.all([
    fetch(`${system.apiResource}/todos/changes?since=${next}`, waiting),
    fetch(lists, { headers: { ...known, prefer: 'wait=1' } }),
  ]);
  const authorization = `Bearer ${adminToken}`;
  const revoked = await fetch(`${system.issuer}/admin/revocations`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ token: await system.getAccessToken(client) }),
  });
  await fetch(revoked.headers.get('location') ?? '', { headers: { authorization, prefer: 'wait=1' } });

  // wrong secrets fill the audit queue, and then reach their limit
  await whileLocked('auth.audit_event', 'audit_queue_events', () =>
    Array.from({ length: 5 }, () => system.postToken({ ...client, secret: 'x'.repeat(43) })),
  );
  for (let attempt = 0; attempt < 7; attempt += 1) await system.postToken({ ...client, secret: 'x'.repeat(43) });
  await dropAuditEvent();
  await abortRequest(token);
  await pipelineRequests();
}

/** Sends requests while nothing can read or write a table, until a metric has changed. */
async function whileLocked(table: string, metric: string, send: () => Promise<Response>[]): Promise<void> {
  const sent: Promise<Response>[] = [];
  await system.em.fork().transactional(async (transaction) => {
    await transaction.execute(`lock table ${table} in access exclusive mode`);
    sent.push(...send());
    await expect.poll(() => hasChanged(metric), { timeout: 4_000 }).toBe(true);
  });
  await Promise.all(sent);
}

/** Makes the database reject an audit event. */
async function dropAuditEvent(): Promise<void> {
  await system.em.execute('alter table auth.audit_event rename to audit_event_moved');
  try {
    const other = await system.registerClient();
    await system.postToken(other, { scope: 'no-such-scope' });
    await expect.poll(() => hasChanged('audit_events_dropped_total')).toBe(true);
  } finally {
    await system.em.execute('alter table auth.audit_event_moved rename to audit_event');
  }
}

async function abortRequest(token: string): Promise<void> {
  const aborted = new AbortController();
  const headers = { authorization: `Bearer ${token}`, prefer: 'wait=5' };
  const { next } = ChangeFeed.parse(await (await fetch(`${system.apiResource}/todos/changes`, { headers })).json());
  const request = fetch(`${system.apiResource}/todos/changes?since=${next}`, { headers, signal: aborted.signal });
  await delay(200);
  aborted.abort();
  await request.catch(() => undefined);
}

/** Sends more requests on one connection than the server answers. */
async function pipelineRequests(): Promise<void> {
  const { hostname, port } = new URL(system.issuer);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write('GET /oauth/jwks HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
  await new Promise((resolve) => socket.once('close', resolve));
}

/** The expressions of the dashboard and of the alerts. */
function readExpressions(): string[] {
  const dashboard = readFileSync('docker/observability/grafana/dashboards/yata.json', 'utf8');
  const alerts = readFileSync('docker/observability/alerts.yml', 'utf8');
  return [
    ...[...dashboard.matchAll(/^ +"expr": (".*"),?$/gm)].map(([, text = '']) => String(JSON.parse(text))),
    ...[...alerts.matchAll(/^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/gm)].map(
      ([, block, line]) => block ?? line ?? '',
    ),
  ].filter((expression) => !expression.startsWith('ALERTS'));
}

/** The names of the metrics in the expressions, without the suffixes of a histogram. */
function readUsedMetrics(): string[] {
  const names = readExpressions().flatMap((expression) => {
    const bare = expression
      .replaceAll(/"[^"]*"/g, '')
      .replaceAll(/\{[^}]*\}/g, '')
      .replaceAll(/\[[^\]]*\]/g, '')
      .replaceAll(/\bby \([^)]*\)/g, '');
    return [...bare.matchAll(/\b([a-z][a-z0-9_]*)\b(?!\s*\()/g)].map(([, name = '']) => name);
  });
  return [...new Set(names)].filter((name) => name !== 'or');
}
