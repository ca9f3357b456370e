import { Agent, request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { createToolCall } from './mcp-messages.ts';
import type { TestClient } from './start-system.ts';

/** Requests of every kind, on connections that are kept open. */
export type MixedLoad = {
  /** Ends the load and returns what it did. */
  readonly stop: () => Promise<LoadResult>;
};

type LoadResult = {
  /** The successful requests of each kind. */
  readonly succeeded: ReadonlyMap<string, number>;
  /** What failed, with the kind of the request. */
  readonly failures: readonly string[];
  /** The ids of the todos whose creation was acknowledged. */
  readonly created: ReadonlySet<string>;
  /** The ids of the todos of which the change feed told. */
  readonly seen: ReadonlySet<string>;
  /** The ids of the todos that are stored at the end. */
  readonly stored: ReadonlySet<string>;
};

type Answer = { readonly status: number; readonly etag: string | undefined; readonly body: string };
type Sent = { method?: string; headers?: Record<string, string>; body?: string };

/** The time between two requests of one kind, and how long a long poll waits. */
const PAUSE_MS = 25;
const WAIT_SECONDS = 20;

const JSON_BODY = { 'content-type': 'application/json' };

/**
 * Requests access tokens, reads and writes todos, waits for their changes and for status lists, and calls tools, until it is
 * stopped. No request is sent twice. `ca` is the certificate of the authority that the servers' certificates are from.
 */
export async function startMixedLoad({
  issuer,
  apiResource,
  mcpResource,
  client,
  ca,
}: {
  issuer: string;
  apiResource: string;
  mcpResource: string;
  client: TestClient;
  ca: string;
}): Promise<MixedLoad> {
  const agent = new Agent({ keepAlive: true, ca });
  const succeeded = new Map<string, number>();
  const failures: string[] = [];
  const created = new Set<string>();
  const seen = new Set<string>();
  let isRunning = true;

  let accessToken = await requestToken(apiResource);
  const mcpToken = await requestToken(mcpResource);
  let next = JSON.parse((await get('/todos/changes')).body).next;
  const kinds = [
    repeat('token', async () => {
      accessToken = await requestToken(apiResource);
    }),
    repeat('read', async () => expectStatus(await get('/todos?limit=5'), 200)),
    repeat('read', async () => expectStatus(await get('/todos?limit=1&completed=false'), 200)),
    repeat('write', create),
    repeat('write', create),
    repeat('change', async () => {
      const [id] = created;
      if (id === undefined) return;
      const headers = { ...authorized(), ...JSON_BODY };
      const body = JSON.stringify({ description: String(Date.now()) });
      expectStatus(await send(`${apiResource}/todos/${id}`, { method: 'PATCH', headers, body }), 200);
    }),
    repeat('tool that reads', () => callTool('list_todos', { limit: 1 })),
    repeat('tool that writes', () => callTool('create_todo', { title: 'By a tool' })),
    followChanges(),
    followStatusLists(),
  ];

  return {
    async stop() {
      isRunning = false;
      // the last change ends the wait for one
      await attempt('write', create);
      await Promise.all(kinds);
      while (await readChanges());
      const { body } = await get('/todos/export');
      const stored = new Set(body.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).id])));
      agent.destroy();
      return { succeeded, failures, created, seen, stored };
    },
  };

  async function repeat(kind: string, act: () => Promise<unknown>): Promise<void> {
    while (isRunning) {
      await attempt(kind, act);
      await delay(PAUSE_MS);
    }
  }

  async function attempt(kind: string, act: () => Promise<unknown>): Promise<void> {
    const startedAt = new Date();
    try {
      await act();
      succeeded.set(kind, (succeeded.get(kind) ?? 0) + 1);
    } catch (error) {
      failures.push(`${startedAt.toISOString()} to ${new Date().toISOString()} ${kind}: ${error}`);
    }
  }

  async function followChanges(): Promise<void> {
    while (isRunning) await attempt('wait for changes', () => readChanges(`wait=${WAIT_SECONDS}`));
  }

  /** Reads the next changes. @returns whether there were any. */
  async function readChanges(prefer = ''): Promise<boolean> {
    const answer = await get(`/todos/changes?since=${next}`, { prefer });
    expectStatus(answer, 200);
    const feed = JSON.parse(answer.body);
    for (const { id } of feed.changes) seen.add(id);
    next = feed.next;
    return feed.changes.length > 0;
  }

  async function followStatusLists(): Promise<void> {
    let etag: string | undefined;
    while (isRunning) {
      await attempt('wait for status lists', async () => {
        const headers = { prefer: 'wait=2', ...(etag !== undefined && { 'if-none-match': etag }) };
        const answer = await send(`${issuer}/oauth/status-lists`, { headers });
        expectStatus(answer, 200, 304);
        etag = answer.etag ?? etag;
      });
      // an auth process that stops answers at once
      await delay(PAUSE_MS);
    }
  }

  async function create(): Promise<void> {
    const body = JSON.stringify({ title: 'Under load' });
    const answer = await send(`${apiResource}/todos`, {
      method: 'POST',
      headers: { ...authorized(), ...JSON_BODY },
      body,
    });
    expectStatus(answer, 201);
    created.add(JSON.parse(answer.body).id);
  }

  async function callTool(name: string, args: object): Promise<void> {
    const answer = await send(mcpResource, {
      method: 'POST',
      headers: {
        ...JSON_BODY,
        authorization: `Bearer ${mcpToken}`,
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify(createToolCall(name, args)),
    });
    expectStatus(answer, 200);
    const { result } = JSON.parse(answer.body);
    if (result === undefined || result.isError) throw new Error(answer.body);
  }

  async function requestToken(resource: string): Promise<string> {
    const answer = await send(`${issuer}/oauth/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }).toString(),
    });
    expectStatus(answer, 200);
    return JSON.parse(answer.body).access_token;
  }

  function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return send(`${apiResource}${path}`, { headers: { ...authorized(), ...headers } });
  }

  function authorized(): Record<string, string> {
    return { authorization: `Bearer ${accessToken}` };
  }

  function send(url: string, { method = 'GET', headers = {}, body }: Sent): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            etag: response.headers.etag,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

function expectStatus({ status, body }: Answer, ...expected: number[]): void {
  if (!expected.includes(status)) throw new Error(`${status} ${body}`);
}
