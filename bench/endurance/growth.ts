import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { apiDatabase } from '../../api/database/definition.ts';
import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { TOKENS_PER_LIST } from '../../auth/status-lists/list-indexes.ts';
import { runMigrations } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import { findPostgresqlPrograms, openPostgresql } from '../../test/support/start-postgresql.ts';
import { startProcess } from '../../test/support/start-process.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { renderTable } from '../table.ts';

/** Rows that are inserted of each kind. */
const ROWS = 100_000;

const MILLION = 1_000_000;

/** Indexes in the largest block of a client, and the id of a list that no measurement creates. */
const BLOCK = 4_096;
const FIRST_LIST = 1_000_000;

/** Different words of the todos. */
const VOCABULARY = 20_000;

/** Clients of the measurement of memory, and those that request a token of it, which are more than auth caches. */
const CLIENTS = 100_000;
const ACTIVE_CLIENTS = 12_000;
/** Fewer than one client may send in a minute. */
const ONE_CLIENTS_REQUESTS = 5_000;

const CONCURRENCY = 16;

/** What grows: the tables, how `ROWS` of it come about, and how many rows of it a million take. */
type Kind = {
  readonly name: string;
  readonly tables: readonly string[];
  readonly insert: string;
  /** Rows of a million. A block of indexes serves many access tokens. */
  readonly rowsPerMillion?: number;
};

/** A text that differs from row to row, of about `words` words. */
const text = (words: number) =>
  `array_to_string(array(select substr(md5(((n * 31 + w * 97) % ${VOCABULARY})::text), 1, 4 + w % 5) from generate_series(1, ${words}) w), ' ')`;

const KINDS: readonly Kind[] = [
  {
    name: 'todos, with a title of 6 words, a description of 20 and 2 tags',
    tables: ['api.todo'],
    insert: `insert into api.todo (id, owner, title, description, completed, created_at, updated_at, priority, tags, position, version, words)
      select gen_random_uuid(), 'client-' || n % 1000, title, description, n % 2 = 0, now(), now(), n % 5, array['work', 'tag ' || n % 50],
        n, 1, to_tsvector('simple', title || ' ' || description)
      from (select n, ${text(6)} as title, ${text(20)} as description from generate_series(1, ${ROWS}) n) one`,
  },
  {
    name: 'changes of such todos',
    tables: ['api.todo_change'],
    insert: `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
      select 'client-' || n % 1000, n, 'updated', id, 1, json_build_object('id', id, 'title', ${text(6)}, 'description', ${text(20)},
        'completed', false, 'due_at', null, 'due_on', null, 'priority', 4, 'tags', json_build_array('work', 'tag ' || n % 50),
        'completed_at', null, 'position', n, 'version', 1, 'created_at', now(), 'updated_at', now()), now()
      from (select n, gen_random_uuid() as id from generate_series(1, ${ROWS}) n) one`,
  },
  {
    name: 'clients, with a secret',
    tables: ['auth.client', 'auth.client_secret'],
    insert: `with secrets as (
        insert into auth.client_secret (hash, client_id)
        select 'sha256:' || rtrim(translate(encode(sha256(('secret-' || n)::bytea), 'base64'), '+/', '-_'), '='), 'client-' || n
        from generate_series(1, ${ROWS}) n)
      insert into auth.client (client_id, name, scopes, resources, token_endpoint_auth_method)
      select 'client-' || n, 'Client ' || n, '{todos:read,todos:write}',
        '{https://todos.example.com/api/v1,https://mcp.example.com/mcp}', 'client_secret_basic'
      from generate_series(1, ${ROWS}) n`,
  },
  {
    name: 'access tokens of few clients (a lease for up to 4,096)',
    tables: ['auth.lease'],
    insert: insertLeases('null', BLOCK, false),
    rowsPerMillion: Math.ceil(MILLION / BLOCK),
  },
  {
    name: 'access tokens of connections that get one an hour (a lease for 4)',
    tables: ['auth.lease'],
    insert: insertLeases("'con_g_VDEJWowGo38Gb8CG95' || n", 4, false),
    rowsPerMillion: MILLION / 4,
  },
  { name: 'exchanged access tokens (a lease each)', tables: ['auth.lease'], insert: insertLeases('null', 1, true) },
  {
    name: 'revoked access tokens, one by one',
    tables: ['auth.revocation'],
    insert: `insert into auth.revocation (list, start, length, reason, actor, at)
      select ${FIRST_LIST}, n, 1, 'token', 'client-' || n, now() from generate_series(1, ${ROWS}) n`,
  },
  {
    name: 'connections, with a refresh token',
    tables: ['auth.connection', 'auth.artifact'],
    insert: `with refresh_tokens as (${insertRefreshTokens()})
      insert into auth.connection (id, account_id, client_id, client_name, redirect_host, resource, scopes, expires_at)
      select 'con_g_VDEJWowGo38Gb8CG95' || n, 'usr_bu6cE9EKq6A761dwRqJ' || n % 1000, 'dyn_P_oCQuJRYmhew_h_qXOz9W', 'An assistant',
        'assistant.example.com', 'https://mcp.example.com/mcp', '{todos:read,todos:write}', now() + interval '1 year'
      from generate_series(1, ${ROWS}) n`,
  },
  { name: 'refreshes (the refresh token that was used)', tables: ['auth.artifact'], insert: insertRefreshTokens() },
  {
    name: 'audit events',
    tables: ['auth.audit_event'],
    insert: `insert into auth.audit_event (actor, action, target, address, request_id, outcome, detail)
      select 'client-' || n % 1000, 'token.revoke', rtrim(encode(sha256(n::text::bytea), 'base64'), '='), '192.0.2.' || n % 256,
        'jUPY1EUITSM_-' || n, 'success', jsonb_build_object('sequence', n, 'client_id', 'client-' || n % 1000)
      from generate_series(1, ${ROWS}) n`,
  },
];

/** Measures what a million of each kind of row costs on disk, and the memory of auth with many clients and access tokens. */
export async function measureGrowth(print: (line: string) => void): Promise<void> {
  const programs = findPostgresqlPrograms();
  if (programs === undefined) throw new Error('expected a PostgreSQL server below /usr/lib/postgresql');
  await using postgresql = await openPostgresql(programs);
  const database = { kind: 'postgresql', url: postgresql.url } as const;
  await runMigrations(database, authDatabase);
  await runMigrations(database, apiDatabase);
  const client = new pg.Client({ connectionString: postgresql.url });
  await client.connect();
  await using connected = new AsyncDisposableStack();
  connected.defer(() => client.end());
  const rows: Record<string, string>[] = [];
  for (const { name, tables, insert, rowsPerMillion = MILLION } of KINDS) {
    await client.query(`truncate ${tables.join(', ')}`);
    const before = await measureSize(client, tables);
    await client.query(insert);
    // what waits to be merged into the indexes of words and tags is merged
    await client.query(`vacuum analyze ${tables.join(', ')}`);
    const bytes = (await measureSize(client, tables)) - before;
    rows.push({
      'a million of': name,
      rows: rowsPerMillion.toLocaleString('en'),
      'bytes a row': Math.round(bytes / ROWS).toLocaleString('en'),
      'on disk': `${Math.round(((bytes / ROWS) * rowsPerMillion) / 1_000_000).toLocaleString('en')} MB`,
    });
    await client.query(`truncate ${tables.join(', ')}`);
  }
  print(renderTable(['a million of', 'rows', 'bytes a row', 'on disk'], rows));

  print('\nmemory of auth');
  await measureMemory(client, postgresql.url, print);
}

async function measureMemory(client: pg.Client, url: string, print: (line: string) => void): Promise<void> {
  using directory = makeTemporaryDirectory();
  const port = await getFreePort();
  const issuer = `http://127.0.0.1:${port}`;
  const data = join(directory.path, 'data');
  const environment = {
    AUTH_DATABASE_URL: url,
    AUTH_PORT: String(port),
    AUTH_ISSUER: issuer,
    API_RESOURCE: 'https://todos.example.com/api/v1',
    MCP_RESOURCE: 'https://mcp.example.com/mcp',
    YATA_DATA_DIR: data,
    LOG_LEVEL: 'info',
  };
  const measure = async (name: string, use: () => Promise<unknown> = async () => undefined) => {
    await using auth = await startProcess(['auth/main.ts'], environment, '"listening"');
    await waitFor(() => fetch(`${issuer}/health/ready`).then(expectReady), 60_000);
    await use();
    await delay(3_000);
    print(`  ${name}: ${await readMemory(issuer, auth.pid)}`);
  };
  const demo = () => {
    const { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret } = findOrCreateCredentials(data, 'demo');
    return { id, secret };
  };
  await measure('empty');
  await measure('empty, after 5,000 requests of one client', () =>
    inParallel(ONE_CLIENTS_REQUESTS, () => requestAccessToken(issuer, demo())),
  );
  const clients = KINDS.find(({ name }) => name.startsWith('clients'));
  await client.query((clients?.insert ?? '').replaceAll(String(ROWS), String(CLIENTS)));
  await measure('100,000 clients');
  await measure('100,000 clients, of which 12,000 request a token', () =>
    inParallel(ACTIVE_CLIENTS, (n) => requestAccessToken(issuer, { id: `client-${n}`, secret: `secret-${n}` })),
  );
  await client.query(insertMillionTokens(100));
  await measure('and a million access tokens, 1 % of them revoked one by one');
}

/** Status lists, leases and revocations of a million access tokens, of which every `interval`th is revoked. */
function insertMillionTokens(interval: number): string {
  const lists = Math.ceil(MILLION / TOKENS_PER_LIST);
  const [expiresAt, each] = ["now() + interval '1 hour'", `generate_series(1, ${lists}) list`];
  return `
    insert into auth.status_list (id, next_index, expires_at)
      select ${FIRST_LIST} + list, ${TOKENS_PER_LIST}, ${expiresAt} from ${each};
    insert into auth.lease (list, start, length, holder, expires_at)
      select ${FIRST_LIST} + list, start, ${BLOCK}, 'client-1', ${expiresAt}
      from ${each}, generate_series(0, ${TOKENS_PER_LIST - BLOCK}, ${BLOCK}) start;
    insert into auth.revocation (list, start, length, reason, actor, at)
      select ${FIRST_LIST} + list, start, 1, 'token', 'client-1', now()
      from ${each}, generate_series(0, ${TOKENS_PER_LIST - 1}, ${interval}) start`;
}

function insertLeases(connection: string, length: number, shared: boolean): string {
  return `insert into auth.lease (list, start, length, holder, expires_at, shared, connection_id)
    select ${FIRST_LIST}, n * ${length}, ${length}, 'client-oA2_Z7LDXwAb', now() + interval '1 hour', ${shared}, ${connection}
    from generate_series(1, ${ROWS}) n`;
}

function insertRefreshTokens(): string {
  return `insert into auth.artifact (model, id, payload, grant_id, consumed_at, expires_at)
    select 'RefreshToken', rtrim(encode(sha256(n::text::bytea), 'base64'), '='), jsonb_build_object('amr', json_build_array('pwd'),
      'exp', 1798532423, 'gty', 'authorization_code refresh_token', 'iat', 1795940423, 'iiat', 1795940407, 'kind', 'RefreshToken',
      'scope', 'todos:read todos:write', 'grantId', 'con_g_VDEJWowGo38Gb8CG95' || n, 'authTime', 1795940407,
      'clientId', 'dyn_P_oCQuJRYmhew_h_qXOz9W', 'resource', 'https://mcp.example.com/mcp', 'accountId', 'usr_bu6cE9EKq6A761dwRqJ' || n % 1000,
      'rotations', 5, 'sessionUid', 'RNdV7ylXhh3yR0rRTBIxCNYYsCggCk7QwKGkXCl7xBf'), 'con_g_VDEJWowGo38Gb8CG95' || n, now(),
      now() + interval '30 days'
    from generate_series(1, ${ROWS}) n`;
}

async function measureSize(client: pg.Client, tables: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) name',
    [tables],
  );
  return Number(rows[0]?.bytes);
}

async function readMemory(issuer: string, pid: number | undefined): Promise<string> {
  const metrics = await (await fetch(`${issuer}/metrics`)).text();
  const heap = Number(/^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1]) / 1_000_000;
  const external = Number(/^nodejs_external_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1]) / 1_000_000;
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000;
  return `${Math.round(resident)} MB resident, ${Math.round(heap)} MB of heap used, ${Math.round(external)} MB external`;
}

async function inParallel(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) {
      next += 1;
      await act(next);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, run));
}

function expectReady({ status }: Response): void {
  if (status !== 200) throw new Error(`auth is not ready: ${status}`);
}
