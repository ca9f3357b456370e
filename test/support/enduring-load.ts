import { setTimeout as delay } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import * as z from 'zod';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { createToolCall } from './mcp-messages.ts';
import { acceptInvitation } from './persons.ts';
import { postAsClient } from './post-as-client.ts';
import { postMcpMessage } from './post-mcp-message.ts';
import { registerPublicClient } from './public-client.ts';
import { requestTodos } from './request-todos.ts';
import type { TestClient } from './start-system.ts';
import { createTodoLedger, type TodoLedger } from './todo-ledger.ts';

/** Where a load sends its requests. */
export type LoadTarget = {
  readonly issuer: string;
  readonly apiResource: string;
  readonly mcpResource: string;
  /** The certificate of the authority that the servers' certificates are from. */
  readonly ca: string;
  /** Reads the credentials of an administrator. */
  readonly admin: () => TestClient;
};

export type LoadOptions = {
  /** Seconds after which an access token is not used again, because it may have expired. */
  readonly tokenLifetime: number;
  /** How many processes of api, and how many of mcp, have to confirm a revocation. */
  readonly instances: number;
  /**
   * Milliseconds after an acknowledged revocation from which every process must reject the access token. Without it, that is
   * when every process has confirmed it, as `tokens revoke --wait` says.
   */
  readonly settledAfterMs?: number;
  /** How long a revocation waits for its confirmation. */
  readonly confirmationSeconds?: number;
  /** How much longer the pauses between the requests are. With 1 the load is about 20 requests per second. */
  readonly slowness?: number;
};

/** A load of every kind of request that goes on whatever fails, and checks every response. */
export type EnduringLoad = {
  /** What it has done so far. */
  readonly progress: LoadProgress;
  /** Sends a request of each kind again and again until one succeeds. @returns the milliseconds that each kind took. */
  readonly measureRecovery: () => Promise<ReadonlyMap<string, number>>;
  /** Ends the load, and compares what was acknowledged with what is stored and with the change feeds. */
  readonly stop: () => Promise<LoadVerdict>;
};

export type LoadProgress = {
  /** The successful requests of each kind. */
  readonly succeeded: ReadonlyMap<string, number>;
  /** The failed requests by their kind and reason, with the times of the first and of the last. */
  readonly failures: ReadonlyMap<string, { readonly count: number; readonly first: string; readonly last: string }>;
  /** Requests with a revoked access token that were answered, although every process had to reject it. */
  readonly wronglyAccepted: readonly string[];
  /** Requests with a revoked access token that were rejected with 401. */
  readonly rejected: () => number;
  /** The milliseconds that each revocation took until it was confirmed. */
  readonly confirmationMs: readonly number[];
};

export type LoadVerdict = LoadProgress & {
  /** Acknowledged writes that the change feed or the stored todos lack. */
  readonly lost: readonly string[];
  /** Where a change feed has a gap or a wrong order, or differs from the stored todos. */
  readonly feedProblems: readonly string[];
  /** The number of acknowledged writes. */
  readonly acknowledged: number;
};

/** An owner of todos. */
type Owner = {
  readonly client: TestClient;
  readonly ledger: TodoLedger;
  apiToken: string;
  mcpToken: string;
  /** The position in the change feed. */
  next: string;
};

type Audience = 'api' | 'mcp';
type RevokedToken = {
  readonly token: string;
  readonly audience: Audience;
  readonly issuedAt: number;
  readonly settledAt: number;
};

const OWNERS = 3;

/** Todos that an owner keeps. Beyond them, it deletes the oldest. */
const KEPT_TODOS = 30;

const WAIT_SECONDS = 20;
const REQUEST_TIMEOUT_MS = 35_000;

/** How long a revoked token is used until it is rejected, where that is not certain. */
const PATIENCE_MS = 2_000;

/** The refreshes of a connection before it is taken back. */
const REFRESHES = 15;

/** Revoked tokens that are used again. */
const MAX_REVOKED = 2_000;

const Written = z.object({ id: z.string(), version: z.number() });
const Client = z.object({ client_id: z.string(), client_secret: z.string() });
const Revocation = z.object({ sequence: z.number(), confirmed: z.array(z.string()), pending: z.array(z.string()) });
const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() });

/** Starts a load on an installation that is ready. */
export async function startEnduringLoad(
  { issuer, apiResource, mcpResource, ca, admin }: LoadTarget,
  { tokenLifetime, instances, settledAfterMs, confirmationSeconds = 25, slowness = 1 }: LoadOptions,
): Promise<EnduringLoad> {
  setDefaultCACertificates([...getCACertificates('default'), ca]);
  const succeeded = new Map<string, number>();
  const failures = new Map<string, { count: number; first: string; last: string }>();
  const wronglyAccepted: string[] = [];
  const confirmationMs: number[] = [];
  const revoked: RevokedToken[] = [];
  let adminToken = { token: '', issuedAt: Number.NEGATIVE_INFINITY };
  let [isRunning, rejected, turn, refreshes] = [true, 0, 0, 0];

  const owners = await Promise.all(Array.from({ length: OWNERS }, (_, index) => createOwner(`owner-${index + 1}`)));
  const assistant = await registerPublicClient({ issuer, mcpResource });
  const person = await createPerson('ada');
  let connection: z.infer<typeof Tokens> | undefined = await assistant.connect(person);

  /** The requests of each kind, and the milliseconds between two of them. */
  const acts: Readonly<Record<string, { readonly pause: number; readonly act: () => Promise<unknown> }>> = {
    token: { pause: 900, act: () => renewTokens(nextOwner()) },
    read: { pause: 220, act: () => expectOk(requestTodos(apiResource, nextOwner().apiToken, timeout())) },
    write: { pause: 500, act: () => create(nextOwner()) },
    change: { pause: 1_000, act: () => change(nextOwner()) },
    delete: { pause: 550, act: () => deleteOldest(nextOwner()) },
    'tool that reads': { pause: 900, act: () => callTool(nextOwner().mcpToken, 'list_todos', { limit: 1 }) },
    'tool that writes': {
      pause: 4_000,
      act: () => callTool(nextOwner().mcpToken, 'create_todo', { title: 'By a tool' }),
    },
    'revoke and wait': { pause: 1_500, act: revokeAndWait },
    'revoke at mcp': { pause: 2_500, act: revokeAtMcp },
    'use of a revoked token': { pause: 700, act: useRevoked },
    refresh: { pause: 4_000, act: refresh },
  };
  const running = [
    ...Object.entries(acts).map(([kind, { pause, act }]) => repeat(kind, pause * slowness, act)),
    ...owners.map((owner) => repeat('wait for changes', 50, () => readFeed(owner, `wait=${WAIT_SECONDS}`))),
    repeat('wait for status lists', 400, waitForStatusLists()),
  ];

  const progress: LoadProgress = { succeeded, failures, wronglyAccepted, rejected: () => rejected, confirmationMs };
  return {
    progress,
    async measureRecovery() {
      const startedAt = performance.now();
      const probes: [string, () => Promise<unknown>][] = [
        ...Object.entries(acts).map(([kind, { act }]): [string, () => Promise<unknown>] => [kind, act]),
        ['changes', () => expectOk(request(`${apiResource}/todos/changes`, { headers: bearer(nextOwner().apiToken) }))],
        ['status lists', () => expectOk(request(`${issuer}/oauth/status-lists`))],
      ];
      const times = await Promise.all(
        probes.map(async ([kind, act]): Promise<[string, number]> => {
          while (!(await attempt(kind, act))) await delay(50);
          return [kind, performance.now() - startedAt];
        }),
      );
      return new Map(times);
    },
    async stop() {
      isRunning = false;
      // a change ends the wait for one
      for (const owner of owners) await attempt('write', () => create(owner));
      await Promise.all(running);
      const [lost, feedProblems]: [string[], string[]] = [[], []];
      let acknowledged = 0;
      for (const owner of owners) {
        await renewTokens(owner);
        while (await readFeed(owner));
        const checked = owner.ledger.check(await readStored(owner));
        lost.push(...checked.lost);
        feedProblems.push(...checked.feedProblems);
        acknowledged += checked.acknowledged;
      }
      return { ...progress, lost, feedProblems, acknowledged };
    },
  };

  async function repeat(kind: string, pause: number, act: () => Promise<unknown>): Promise<void> {
    await delay(Math.random() * pause);
    while (isRunning) {
      await attempt(kind, act);
      await delay(pause);
    }
  }

  async function attempt(kind: string, act: () => Promise<unknown>): Promise<boolean> {
    const startedAt = new Date().toISOString();
    try {
      await act();
      succeeded.set(kind, (succeeded.get(kind) ?? 0) + 1);
      return true;
    } catch (error) {
      const reason = `${kind}: ${describe(error)}`;
      const known = failures.get(reason) ?? { count: 0, first: startedAt, last: startedAt };
      failures.set(reason, { ...known, count: known.count + 1, last: startedAt });
      return false;
    }
  }

  async function renewTokens(owner: Owner): Promise<void> {
    owner.apiToken = await requestToken(owner.client, apiResource);
    owner.mcpToken = await requestToken(owner.client, mcpResource);
  }

  async function create(owner: Owner): Promise<void> {
    const body = JSON.stringify({ title: 'Under load' });
    const response = await requestTodos(apiResource, owner.apiToken, { method: 'POST', body, ...timeout() });
    owner.ledger.acknowledge(Written.parse(await readJson(response, 201)));
  }

  async function change(owner: Owner): Promise<void> {
    const id = owner.ledger.pick();
    if (id === undefined) return;
    const response = await request(`${apiResource}/todos/${id}`, {
      method: 'PATCH',
      headers: { ...bearer(owner.apiToken), 'content-type': 'application/json' },
      body: JSON.stringify({ description: new Date().toISOString() }),
    });
    // it was deleted meanwhile
    if (response.status === 404) return void (await response.arrayBuffer());
    owner.ledger.acknowledge(Written.parse(await readJson(response, 200)));
  }

  /** Deletes the oldest todo, or creates one more while there are few. */
  async function deleteOldest(owner: Owner): Promise<void> {
    const id = owner.ledger.takeOldest(KEPT_TODOS);
    if (id === undefined) return create(owner);
    const headers = bearer(owner.apiToken);
    await expectOk(request(`${apiResource}/todos/${id}`, { method: 'DELETE', headers }));
    owner.ledger.acknowledgeDelete(id);
  }

  async function callTool(accessToken: string, name: string, args: object): Promise<void> {
    const response = await useAtMcp(accessToken, name, args);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    const { result } = JSON.parse(text);
    if (result === undefined || result.isError) throw new Error(`200 ${text.slice(0, 300)}`);
  }

  /** Revokes an access token of api as the administrator does, and uses it when every process has confirmed that. */
  async function revokeAndWait(): Promise<void> {
    const issuedAt = Date.now();
    const token = await requestToken(nextOwner().client, apiResource);
    const { status } = await use(token, 'api');
    if (status !== 200) throw new Error(`${status} for a new access token`);
    const headers = { ...bearer(await getAdminToken()), 'content-type': 'application/json' };
    const revokedAt = performance.now();
    const body = JSON.stringify({ token });
    const response = await request(`${issuer}/admin/revocations`, { method: 'POST', headers, body });
    const { sequence } = Revocation.parse(await readJson(response, 200, 201));
    const acknowledgedAt = Date.now();
    if (settledAfterMs !== undefined)
      note({ token, audience: 'api', issuedAt, settledAt: acknowledgedAt + settledAfterMs });
    const answer = await request(`${issuer}/admin/revocations/${sequence}`, {
      headers: { ...headers, prefer: `wait=${confirmationSeconds}` },
    });
    const { confirmed, pending } = Revocation.parse(await readJson(answer, 200));
    if (pending.length > 0) throw new Error(`not confirmed by ${pending.map((name) => name.split(' ')[0])}`);
    const count = (audience: Audience) => confirmed.filter((name) => name.startsWith(audience)).length;
    if (count('api') < instances || count('mcp') < instances) {
      if (settledAfterMs !== undefined) return;
      throw new Error(`confirmed by ${count('api')} api and ${count('mcp')} mcp, without the others`);
    }
    confirmationMs.push(performance.now() - revokedAt);
    const settled = { token, audience: 'api', issuedAt, settledAt: Date.now() } as const;
    if (settledAfterMs === undefined) note(settled);
    await expectRejection(settled);
  }

  /** Revokes an access token of mcp as its client does, after mcp has exchanged it. */
  async function revokeAtMcp(): Promise<void> {
    const issuedAt = Date.now();
    const { client } = nextOwner();
    const token = await requestToken(client, mcpResource);
    await callTool(token, 'list_todos', { limit: 1 });
    await expectOk(postAsClient(`${issuer}/oauth/revoke`, client, { token }));
    await expectRejectionSoon({ token, audience: 'mcp', issuedAt });
  }

  /** Uses a token that was revoked a while ago. */
  async function useRevoked(): Promise<void> {
    const now = Date.now();
    const known = revoked.filter(
      ({ issuedAt, settledAt }) => settledAt <= now && now - issuedAt < (tokenLifetime - 5) * 1000,
    );
    const chosen = known[Math.floor(Math.random() * known.length)];
    if (chosen !== undefined) await expectRejection(chosen);
  }

  /** Refreshes the tokens of the connection and uses them. After some refreshes the person takes the connection back. */
  async function refresh(): Promise<void> {
    connection ??= Tokens.parse(await assistant.connect(person));
    const response = await assistant.refresh(connection.refresh_token);
    if (response.status === 400) {
      // the response to an earlier refresh was lost, and its refresh token is used too late
      connection = undefined;
      throw new Error(`400 ${await response.text()}`);
    }
    connection = Tokens.parse(await readJson(response, 200));
    const issuedAt = Date.now();
    await callTool(connection.access_token, 'list_todos', { limit: 1 });
    refreshes += 1;
    if (refreshes % REFRESHES !== 0) return;
    const { access_token: token, refresh_token } = connection;
    await expectOk(assistant.revoke(refresh_token));
    connection = undefined;
    await expectRejectionSoon({ token, audience: 'mcp', issuedAt });
    const again = await assistant.refresh(refresh_token);
    await again.arrayBuffer();
    if (again.status === 200)
      wronglyAccepted.push(`${new Date().toISOString()} the refresh token of a revoked connection`);
  }

  /** Reads the next changes. @returns whether there were any. */
  async function readFeed(owner: Owner, prefer = ''): Promise<boolean> {
    const headers = { ...bearer(owner.apiToken), prefer };
    const response = await request(`${apiResource}/todos/changes?since=${owner.next}`, { headers });
    const feed = ChangeFeed.parse(await readJson(response, 200));
    owner.ledger.follow(feed.changes);
    owner.next = feed.next;
    return feed.changes.length > 0;
  }

  function waitForStatusLists(): () => Promise<void> {
    let etag = '';
    return async () => {
      const headers = { prefer: `wait=${WAIT_SECONDS}`, ...(etag !== '' && { 'if-none-match': etag }) };
      const response = await request(`${issuer}/oauth/status-lists`, { headers });
      const text = await response.text();
      if (response.status !== 200 && response.status !== 304) throw new Error(`${response.status} ${text}`);
      etag = response.headers.get('etag') ?? etag;
    };
  }

  /** Uses a token whose revocation was just acknowledged until it is rejected. */
  async function expectRejectionSoon(token: Omit<RevokedToken, 'settledAt'>): Promise<void> {
    const acknowledgedAt = Date.now();
    if (settledAfterMs !== undefined) note({ ...token, settledAt: acknowledgedAt + settledAfterMs });
    const deadline = acknowledgedAt + (settledAfterMs ?? PATIENCE_MS);
    while (Date.now() < deadline) {
      const { status } = await use(token.token, token.audience);
      if (status === 401) {
        rejected += 1;
        return;
      }
      await delay(20);
    }
    if (settledAfterMs !== undefined) await expectRejection({ ...token, settledAt: deadline });
    else throw new Error('a revocation was acknowledged, and has not arrived yet');
  }

  async function expectRejection({ token, audience, issuedAt, settledAt }: RevokedToken): Promise<void> {
    const usedAt = Date.now();
    const { status } = await use(token, audience);
    if (status === 401) rejected += 1;
    else if (status === 200) {
      const times = `issued ${usedAt - issuedAt} ms and rejected everywhere ${usedAt - settledAt} ms before`;
      wronglyAccepted.push(`${new Date(usedAt).toISOString()} at ${audience}, ${times}`);
    } else throw new Error(`${status} for a revoked access token`);
  }

  async function use(token: string, audience: Audience): Promise<Response> {
    const response = await (audience === 'api'
      ? requestTodos(apiResource, token, timeout())
      : useAtMcp(token, 'list_todos', { limit: 1 }));
    await response.arrayBuffer();
    return response;
  }

  function useAtMcp(accessToken: string, name: string, args: object): Promise<Response> {
    const headers = { 'mcp-protocol-version': '2025-11-25' };
    return postMcpMessage(mcpResource, createToolCall(name, args), { accessToken, headers, ...timeout() });
  }

  function note(revokedToken: RevokedToken): void {
    revoked.push(revokedToken);
    if (revoked.length > MAX_REVOKED) revoked.shift();
  }

  function nextOwner(): Owner {
    turn += 1;
    const owner = owners[turn % owners.length];
    if (owner === undefined) throw new Error('expected an owner');
    return owner;
  }

  async function createOwner(name: string): Promise<Owner> {
    const client = await createClient(name);
    const apiToken = await requestToken(client, apiResource);
    const mcpToken = await requestToken(client, mcpResource);
    return { client, ledger: createTodoLedger(name), apiToken, mcpToken, next: '0' };
  }

  async function createClient(name: string): Promise<TestClient> {
    const response = await request(`${issuer}/admin/clients`, {
      method: 'POST',
      headers: { ...bearer(await getAdminToken()), 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: name, scope: 'todos:read todos:write' }),
    });
    const { client_id: id, client_secret: secret } = Client.parse(await readJson(response, 201));
    return { id, secret };
  }

  async function createPerson(username: string) {
    const response = await request(`${issuer}/admin/invitations`, {
      method: 'POST',
      headers: { ...bearer(await getAdminToken()), 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
    });
    const { url } = z.object({ url: z.string() }).parse(await readJson(response, 201));
    return { name: username, password: await acceptInvitation(url, username), id: '' };
  }

  async function getAdminToken(): Promise<string> {
    if (Date.now() - adminToken.issuedAt > (tokenLifetime / 3) * 1000)
      adminToken = { issuedAt: Date.now(), token: await requestToken(admin(), `${issuer}/admin`) };
    return adminToken.token;
  }

  async function requestToken(client: TestClient, resource: string): Promise<string> {
    const parameters = { grant_type: 'client_credentials', resource };
    const response = await postAsClient(`${issuer}/oauth/token`, client, parameters);
    return z.object({ access_token: z.string() }).parse(await readJson(response, 200)).access_token;
  }

  async function readStored(owner: Owner): Promise<ReadonlyMap<string, number>> {
    const response = await request(`${apiResource}/todos/export`, { headers: bearer(owner.apiToken) });
    const lines = (await response.text()).split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => Written.parse(JSON.parse(line))).map(({ id, version }) => [id, version]));
  }
}

function request(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, ...timeout() });
}

function timeout(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
}

function bearer(accessToken: string): { authorization: string } {
  return { authorization: `Bearer ${accessToken}` };
}

async function expectOk(responding: Promise<Response>): Promise<void> {
  const response = await responding;
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
}

async function readJson(response: Response, ...expected: number[]): Promise<unknown> {
  const text = await response.text();
  if (!expected.includes(response.status)) throw new Error(`${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

/** Names what failed, without what differs from request to request. */
function describe(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  const code = cause instanceof Error && 'code' in cause ? ` ${cause.code}` : '';
  return `${message}${code}`.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').replaceAll(/\s+/g, ' ');
}
