import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOrm } from '../../../shared/database/orm.ts';
import { HttpError } from '../../../shared/http/http-error.ts';
import { openTestDatabase } from '../../../shared/testing/test-database.ts';
import { NewTodo, type Todo } from '../../../shared/todo/todo.ts';
import { apiDatabase } from '../../database/definition.ts';
import { runBatch } from '../run-batch.ts';
import { VersionMismatchError } from '../todo-errors.ts';
import { openTodos, type Todos } from '../todos.ts';
import type { Precondition } from './list-in-memory.ts';

let opened: Awaited<ReturnType<typeof openTwo>>;
beforeAll(async () => {
  opened = await openTwo();
});
afterAll(() => opened[Symbol.asyncDispose]());

/** Opens the todos twice on one database, as two processes do. */
async function openTwo() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, apiDatabase));
  const options = { em, database, quota: { todos: 10_000, bytes: 200_000 }, logger: pino({ level: 'silent' }) };
  const processes = [opening.use(openTodos(options)), opening.use(openTodos(options))] as const;
  const all = opening.move();
  return { em, processes, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Ids that an import can bring along, so that several requests name the same todo. */
const SHARED_IDS = Array.from({ length: 4 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);

const title = fc.constantFrom('a', 'Größe 牛奶', `it's "quoted" \\ {x}`, 'b'.repeat(100));
const target = fc.nat({ max: 5 });
const version = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const key = fc.option(fc.constantFrom('k1', 'k2'), { nil: undefined });
const operation = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), title, key }),
  fc.record({ kind: fc.constant('update' as const), target, title, version }),
  fc.record({ kind: fc.constant('remove' as const), target, version }),
  fc.record({ kind: fc.constant('restore' as const), target, version }),
  fc.record({ kind: fc.constant('batch' as const), target, title, key }),
  fc.record({ kind: fc.constant('import' as const), title, ids: fc.subarray(SHARED_IDS), key }),
  // more than the quota has
  fc.record({ kind: fc.constant('too large' as const), key }),
);
const request = fc.record({ owner: fc.nat({ max: 2 }), process: fc.nat({ max: 1 }), operation });
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

test('after any interleaving of writes in two processes the feed is complete, and each answer is what was stored', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 5, maxLength: 40 }), async (requests) => {
      const owners = Array.from({ length: 3 }, () => randomUUID());
      // todos that later requests can name
      for (const owner of owners) await importTitles(opened.processes[0], owner, SHARED_IDS.slice(0, 2));
      const answers = await Promise.allSettled(requests.map((sent) => send(sent, owners[sent.owner] ?? '')));
      for (const answer of answers)
        if (answer.status === 'rejected') expect(answer.reason, 'an expected rejection').toBeInstanceOf(HttpError);
      for (const [number, owner] of owners.entries()) {
        const changes = await checkFeed(owner);
        const acknowledged = requests.flatMap((sent, index) => {
          const answer = answers[index];
          return sent.owner === number && answer?.status === 'fulfilled' ? answer.value : [];
        });
        const stored = new Set(changes.map(({ todo_id, version }) => `${todo_id} ${version}`));
        for (const { id, version } of acknowledged) expect(stored).toContain(`${id} ${version}`);
        await checkKeys(owner);
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

/** Sends a request. Returns the todos of its answer. */
async function send({ process, operation }: Request, owner: string): Promise<readonly Pick<Todo, 'id' | 'version'>[]> {
  const todos = opened.processes[process] ?? opened.processes[0];
  const id = 'target' in operation ? (SHARED_IDS[operation.target] ?? randomUUID()) : randomUUID();
  const precondition = 'version' in operation ? requireVersion(operation.version) : undefined;
  const idempotency =
    'key' in operation && operation.key !== undefined
      ? { key: operation.key, fingerprint: JSON.stringify(operation) }
      : undefined;
  switch (operation.kind) {
    case 'create': {
      const todo = NewTodo.parse({ title: operation.title });
      return [await todos.write(owner, { ids: [], apply: (list) => list.create(todo) }, { idempotency })];
    }
    case 'update': {
      const changes = { title: operation.title, completed: operation.title === 'a' };
      return [await todos.write(owner, { ids: [id], apply: (list) => list.update(id, changes, precondition) })];
    }
    case 'remove':
      await todos.write(owner, { ids: [id], apply: (list) => list.remove(id, precondition) });
      return [];
    case 'restore':
      return [await todos.write(owner, { ids: [id], apply: (list) => list.restore(id, precondition) })];
    case 'batch': {
      const operations = [
        { op: 'create' as const, todo: NewTodo.parse({ title: operation.title }) },
        { op: 'update' as const, id, changes: { priority: 1 } },
      ];
      const apply = (list: Parameters<typeof runBatch>[0]) => runBatch(list, { operations });
      const { results } = await todos.write(owner, { ids: [id], apply }, { idempotency });
      return results.flatMap((result) => ('todo' in result && result.todo !== undefined ? [result.todo] : []));
    }
    case 'import':
      await importTitles(todos, owner, operation.ids, operation.title, idempotency);
      return [];
    case 'too large': {
      const todo = NewTodo.parse({ title: 'too large', description: 'x'.repeat(10_000) });
      const create = (list: Parameters<typeof runBatch>[0]) =>
        Array.from({ length: 21 }, () => list.create(todo)).slice(0, 1);
      return todos.write(owner, { ids: [], apply: create }, { idempotency });
    }
  }
}

function importTitles(
  todos: Todos,
  owner: string,
  ids: readonly string[],
  title = 'imported',
  idempotency?: { key: string; fingerprint: string },
) {
  const lines = [...ids.map((id) => ({ ...NewTodo.parse({ title }), id })), NewTodo.parse({ title })];
  return todos.importTodos(owner, lines, { idempotency });
}

function requireVersion(expected: number | undefined): Precondition {
  return ({ version }) => {
    if (expected !== undefined && expected !== version) throw new VersionMismatchError('version', version);
  };
}

/** Checks that the feed of an owner has no gap, and that its changes lead to the todos and the counts that are stored. */
async function checkFeed(owner: string) {
  const { em } = opened;
  const changes = await em.execute<
    {
      sequence: number;
      change: string;
      todo_id: string;
      version: number;
      todo: Todo | null;
      at: string;
      bytes: number;
    }[]
  >(
    `select sequence::int as sequence, change, todo_id, version, todo, at::text as at,
       coalesce(octet_length(todo::text), 0) as bytes
     from api.todo_change where owner = ? order by sequence`,
    [owner],
  );
  expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, index) => index + 1));
  const times = changes.map(({ at }) => at);
  expect(times).toEqual([...new Set(times)].toSorted());
  const live = new Map<string, Todo | null>();
  const versions = new Map<string, number>();
  for (const { todo_id, version, todo } of changes) {
    expect(version).toBe((versions.get(todo_id) ?? 0) + 1);
    versions.set(todo_id, version);
    live.set(todo_id, todo);
  }
  const rows = await em.execute<{ id: string; version: number; title: string; completed: boolean; deleted: boolean }[]>(
    'select id, version, title, completed, deleted_at is not null as deleted from api.todo where owner = ?',
    [owner],
  );
  expect(rows.map(({ id, version }) => [id, version]).toSorted()).toEqual([...versions].toSorted());
  for (const { id, title, completed, deleted } of rows)
    if (deleted) expect(live.get(id)).toBeNull();
    else expect(live.get(id)).toMatchObject({ title, completed });
  const [list] = await em.execute<{ sequence: number; todos: number; bytes: number; change_bytes: number }[]>(
    'select sequence::int as sequence, todos, bytes::int as bytes, change_bytes::int as change_bytes from api.todo_list where owner = ?',
    [owner],
  );
  const [used] = await em.execute<{ todos: number; bytes: number }[]>(
    `select count(*)::int as todos, coalesce(sum(octet_length(title) + coalesce(octet_length(description), 0)), 0)::int as bytes
     from api.todo where owner = ?`,
    [owner],
  );
  expect(list).toEqual({
    ...used,
    sequence: changes.length,
    change_bytes: changes.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  return changes;
}

/** Checks that a request with a key was executed once: no todo that it created is there twice. */
async function checkKeys(owner: string): Promise<void> {
  const kept = await opened.em.execute<{ answer: { id?: string } }[]>(
    'select answer from api.idempotency_key where owner = ?',
    [owner],
  );
  const ids = kept.flatMap(({ answer }) => answer.id ?? []);
  expect(new Set(ids).size).toBe(ids.length);
}
