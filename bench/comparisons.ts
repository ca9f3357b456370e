/** Two servers that answer the same request. `target` is the share of the baseline's requests per second for yata. */
export type Comparison = {
  readonly yata: Server;
  readonly baseline: Server;
  readonly target?: number;
  /** The number of connections of the load, unless it is `CONNECTIONS`. */
  readonly connections?: number;
  /** Skipped if there is no PostgreSQL server. */
  readonly needsPostgresql?: true;
};

/** A script in bench/servers with its arguments. */
export type Server = readonly [script: URL, ...args: string[]];

const yataApi = new URL('./servers/yata-api.ts', import.meta.url);
const yataConnections = new URL('./servers/yata-connections.ts', import.meta.url);
const bareConnections = new URL('./servers/bare-connections.ts', import.meta.url);
const koa = new URL('./servers/koa.ts', import.meta.url);
const koaOnPg = new URL('./servers/koa-on-pg.ts', import.meta.url);

const yataWrites = new URL('./servers/yata-writes.ts', import.meta.url);
const koaWrites = new URL('./servers/koa-writes.ts', import.meta.url);

/** The comparisons, by the names for `npm run bench -- NAME`. */
export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  'issue-access-token': {
    yata: [new URL('./servers/yata-auth.ts', import.meta.url)],
    baseline: [new URL('./servers/bare-oidc-provider.ts', import.meta.url)],
    target: 0.9,
  },
  'redeem-code': {
    yata: [yataConnections, 'code'],
    baseline: [bareConnections, 'code'],
    target: 0.5,
    needsPostgresql: true,
  },
  'refresh-token': {
    yata: [yataConnections, 'refresh'],
    baseline: [bareConnections, 'refresh'],
    target: 0.5,
    needsPostgresql: true,
  },
  guard: {
    yata: [koa, 'guarded'],
    baseline: [koa, 'unguarded'],
    target: 0.9,
  },
  'list-20': { yata: [yataApi, 'list'], baseline: [koaOnPg, 'list'], target: 0.8, needsPostgresql: true },
  'read-by-id': { yata: [yataApi, 'by-id'], baseline: [koaOnPg, 'by-id'], target: 0.8, needsPostgresql: true },
  ...writes('create'),
  ...writes('update'),
  ...toolCalls('mcp-tool-call', '2025-11-25'),
  ...toolCalls('mcp-tool-call-2026', '2026-07-28'),
};

/** Calls of list_todos in one revision of MCP: with 20 todos in the answer, with one, and with a progress token. */
function toolCalls(name: string, revision: string): Record<string, Comparison> {
  const of = (call: string): Comparison => ({
    yata: [new URL('./servers/yata-mcp.ts', import.meta.url), revision, call],
    baseline: [new URL('./servers/sdk-in-memory.ts', import.meta.url), revision, call],
  });
  return { [name]: of('20-todos'), [`${name}-one`]: of('one-todo'), [`${name}-progress`]: of('progress') };
}

/** Writes of 1, 20 and 100 owners, and of 20 owners with one connection. The baseline always has 20 owners. */
function writes(kind: 'create' | 'update'): Record<string, Comparison> {
  const baseline = [koaWrites, kind] as const;
  const ofOwners = (owners: number): Comparison => ({
    yata: [yataWrites, kind, String(owners)],
    ...{ baseline, target: 1, needsPostgresql: true },
  });
  return {
    [`${kind}-1`]: ofOwners(1),
    [`${kind}-20`]: ofOwners(20),
    [`${kind}-100`]: ofOwners(100),
    [`${kind}-one-connection`]: { ...ofOwners(20), target: 0.8, connections: 1 },
  };
}
