import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOrm } from '../../../shared/database/orm.ts';
import { openTestDatabase } from '../../../shared/testing/test-database.ts';
import { NewTodo, type Todo, type TodoChanges } from '../../../shared/todo/todo.ts';
import { apiDatabase } from '../../database/definition.ts';
import { anyTodo } from '../../testing/arbitrary-todo.ts';
import { purgeList } from '../purge-todos.ts';
import { QuotaExceededError } from '../quota.ts';
import { TodoNotFoundError, VersionMismatchError } from '../todo-errors.ts';
import { SELECT_TODO, type TodoRow, toTodo } from '../todo-row.ts';
import { createDatabaseClock } from './database-clock.ts';
import type { GroupedWrite, Write } from './grouped-write.ts';
import type { ListRow, Precondition } from './list-in-memory.ts';
import { STATEMENTS } from './list-statements.ts';
import { type Call, type ListTransactions, openListTransactions } from './list-transactions.ts';
import { createRememberedLists } from './remembered-lists.ts';
import { createWriteGroup } from './write-group.ts';
import { createWriteRemembered } from './write-remembered.ts';

const QUOTA = { todos: 100, bytes: 10_000 };
const REMEMBERED = [STATEMENTS.writeUnchanged.name];
const LOCKED_AFTER_REMEMBERED = [...REMEMBERED, 'transaction'];

// one database for all tests of this file; each test has its own owners and processes
let opened: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened[Symbol.asyncDispose]());

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, apiDatabase));
  const transactions = opening.use(
    openListTransactions({ database, maxTransactions: 3, logger: pino({ level: 'silent' }) }),
  );
  const all = opening.move();
  return { database, em, transactions, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Creates what a process has in memory. `takeSent` returns what it has sent to the database since the last call. */
function createProcess({ execute = opened.transactions.execute, quota = QUOTA } = {}) {
  let sent: string[] = [];
  const committed: ListRow[] = [];
  const transactions: ListTransactions = {
    ...opened.transactions,
    run(work) {
      sent.push('transaction');
      return opened.transactions.run(work);
    },
    execute(call) {
      sent.push(call[0].name);
      return execute(call);
    },
  };
  const remembered = createRememberedLists();
  const onCommit = (list: ListRow) => void committed.push(list);
  const writeGroup = createWriteGroup({ transactions, remembered, quota, onCommit });

  /** Stores writes in one group. @returns how each is settled, and the owners whose lists were not locked. */
  async function writeTogether<T>(writes: readonly (readonly [owner: string, write: Write<T>])[]) {
    const results: PromiseSettledResult<unknown>[] = [];
    const group = writes.map(
      ([owner, write], index): GroupedWrite => ({
        ...{ owner, write },
        resolve: ({ answer }) => (results[index] = { status: 'fulfilled', value: answer }),
        reject: (reason) => (results[index] = { status: 'rejected', reason }),
      }),
    );
    const notLocked = await writeGroup(group);
    return { results, notLocked };
  }

  async function write<T>(owner: string, apply: Write<T>['apply'], ids: readonly string[] = []): Promise<T> {
    const { results } = await writeTogether([[owner, { ids, apply }]]);
    const [result] = results;
    if (result?.status !== 'fulfilled') throw result?.reason;
    return result.value as T;
  }

  return {
    remembered,
    committed,
    writeTogether,
    takeSent() {
      const taken = sent;
      sent = [];
      return taken;
    },
    create: (owner: string, fields: Partial<Todo> = {}) => write(owner, (list) => list.create(newTodo(fields))),
    update: (owner: string, id: string, changes: TodoChanges, precondition?: Precondition) =>
      write(owner, (list) => list.update(id, changes, precondition), [id]),
    remove: (owner: string, id: string) => write(owner, (list) => list.remove(id), [id]),
    restore: (owner: string, id: string) => write(owner, (list) => list.restore(id), [id]),
  };
}

function newTodo(fields: object = {}): NewTodo {
  return NewTodo.parse({ title: 'a', ...fields });
}

function requireVersion(expected: number): Precondition {
  return ({ version }) => {
    if (expected !== version) throw new VersionMismatchError('version', version);
  };
}

async function readTodo(owner: string, id: string): Promise<Todo> {
  const [row] = await opened.em.execute<TodoRow[]>(
    `select ${SELECT_TODO} from api.todo where owner = ? and id = ? and deleted_at is null`,
    [owner, id],
  );
  if (row === undefined) throw new Error('expected a todo');
  return toTodo(row);
}

/** Checks that the feed has no gap, that its times rise, and that its changes are as many as `count`. */
async function checkFeed(owner: string, count: number): Promise<void> {
  const changes = await opened.em.execute<{ sequence: number; at: string }[]>(
    'select sequence::int as sequence, at::text as at from api.todo_change where owner = ? order by sequence',
    [owner],
  );
  expect(changes.map(({ sequence }) => sequence)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  const times = changes.map(({ at }) => at);
  expect(times).toEqual([...new Set(times)].toSorted());
}

test('what follows the first write of an owner is one statement for each group', async () => {
  const [owner, other] = [randomUUID(), randomUUID()];
  const { create, update, remove, restore, writeTogether, takeSent, committed } = createProcess();
  const { id } = await create(owner);
  await create(other);
  takeSent();
  await update(owner, id, { title: 'b' });
  await remove(owner, id);
  await restore(owner, id);
  const added = await create(owner);
  expect(takeSent()).toEqual([...REMEMBERED, ...REMEMBERED, ...REMEMBERED, ...REMEMBERED]);
  const create_ = { ids: [], apply: (list: Parameters<Write<Todo>['apply']>[0]) => list.create(newTodo()) };
  const complete = {
    ids: [id],
    apply: (list: Parameters<Write<Todo>['apply']>[0]) => list.update(id, { completed: true }),
  };
  const { results } = await writeTogether([
    [owner, create_],
    [owner, complete],
    [other, create_],
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  expect(takeSent()).toEqual(REMEMBERED);
  expect(committed.slice(-2).map(({ owner, sequence }) => [owner, sequence])).toEqual([
    [owner, 7],
    [other, 2],
  ]);
  expect(await readTodo(owner, id)).toMatchObject({ title: 'b', completed: true, version: 5 });
  expect(await readTodo(owner, added.id)).toEqual(added);
  await checkFeed(owner, 7);
});

test('each todo is stored as the answer says, whatever its values are', async () => {
  const owner = randomUUID();
  const { create, update, takeSent } = createProcess({ quota: { todos: 1_000, bytes: 1_000_000 } });
  await create(owner);
  takeSent();
  await fc.assert(
    fc.asyncProperty(anyTodo, anyTodo, async ({ created_at: _one, ...first }, { created_at: _two, ...second }) => {
      const created = await create(owner, first);
      expect(await readTodo(owner, created.id)).toEqual(created);
      const updated = await update(owner, created.id, second);
      expect(await readTodo(owner, created.id)).toEqual(updated);
    }),
    { numRuns: 30 },
  );
  expect(takeSent().filter((name) => name === 'transaction')).toEqual([]);
});

test('a todo that is not remembered is read', async () => {
  const owner = randomUUID();
  const [one, other] = [createProcess(), createProcess()];
  const { id } = await other.create(owner);
  await one.create(owner);
  one.takeSent();
  expect(await one.update(owner, id, { title: 'b' })).toMatchObject({ version: 2 });
  expect(one.takeSent()).toEqual(['transaction']);
  expect(await one.update(owner, id, { title: 'c' })).toMatchObject({ version: 3 });
  expect(one.takeSent()).toEqual(REMEMBERED);
});

test('after a write of another process, what is remembered is not used', async () => {
  const owner = randomUUID();
  const [one, other] = [createProcess(), createProcess()];
  const { id } = await one.create(owner, { tags: ['kept'] });
  await other.update(owner, id, { title: 'of the other' });
  one.takeSent();
  expect(await one.update(owner, id, { priority: 1 })).toMatchObject({
    ...{ title: 'of the other', tags: ['kept'], priority: 1, version: 3 },
  });
  expect(one.takeSent()).toEqual(LOCKED_AFTER_REMEMBERED);
  // the other process will probably write again, so the next write does not try either
  await one.update(owner, id, { priority: 2 });
  expect(one.takeSent()).toEqual(['transaction']);
  await one.update(owner, id, { priority: 3 });
  expect(one.takeSent()).toEqual(REMEMBERED);
  await checkFeed(owner, 5);
});

test('a write of another process delays only its own list in a group', async () => {
  const [stale, current] = [randomUUID(), randomUUID()];
  const [one, other] = [createProcess(), createProcess()];
  for (const owner of [stale, current]) await one.create(owner);
  await other.create(stale);
  one.takeSent();
  const write: Write<Todo> = { ids: [], apply: (list) => list.create(newTodo()) };
  const { results, notLocked } = await one.writeTogether([
    [stale, write],
    [current, write],
    [stale, write],
  ]);
  expect([results.map(({ status }) => status), notLocked.size]).toEqual([['fulfilled', 'fulfilled', 'fulfilled'], 0]);
  expect(one.takeSent()).toEqual(LOCKED_AFTER_REMEMBERED);
  await checkFeed(stale, 4);
  await checkFeed(current, 2);
});

test('a precondition is checked against the todo that another process has changed', async () => {
  const owner = randomUUID();
  const [one, other] = [createProcess(), createProcess()];
  const { id } = await one.create(owner);
  await other.update(owner, id, { title: 'b' });
  await expect(one.update(owner, id, { title: 'c' }, requireVersion(1))).rejects.toThrow(VersionMismatchError);
  await other.update(owner, id, { title: 'd' });
  // version 3 is not the one that is remembered
  expect(await one.update(owner, id, { title: 'c' }, requireVersion(3))).toMatchObject({ version: 4 });
});

test('a rejection that follows from what is remembered is confirmed by the database', async () => {
  const owner = randomUUID();
  const [one, other] = [createProcess(), createProcess()];
  const { id } = await one.create(owner);
  await one.remove(owner, id);
  one.takeSent();
  await expect(one.update(owner, id, { title: 'b' })).rejects.toThrow(TodoNotFoundError);
  expect(one.takeSent()).toEqual(['transaction']);
  await other.restore(owner, id);
  expect(await one.update(owner, id, { title: 'b' })).toMatchObject({ version: 4 });
});

test('a rejection by the quota is confirmed by the database', async () => {
  const owner = randomUUID();
  const quota = { todos: 10, bytes: 10 };
  const [one, other] = [createProcess({ quota }), createProcess({ quota })];
  const { id } = await one.create(owner, { title: '123456789' });
  await expect(one.create(owner, { title: '12' })).rejects.toThrow(QuotaExceededError);
  await other.update(owner, id, { title: '12345678' });
  expect(await one.create(owner, { title: '12' })).toMatchObject({ title: '12' });
  await expect(one.create(owner, { title: '1' })).rejects.toThrow(QuotaExceededError);
});

test('an answer that needs no write is confirmed by the database', async () => {
  const owner = randomUUID();
  const [one, other] = [createProcess(), createProcess()];
  const { id } = await one.create(owner, { title: 'a' });
  one.takeSent();
  expect(await one.update(owner, id, { title: 'a' })).toMatchObject({ version: 1 });
  expect(await one.restore(owner, id)).toMatchObject({ version: 1 });
  expect(one.takeSent()).toEqual(['transaction', 'transaction']);
  await other.update(owner, id, { title: 'b' });
  expect(await one.update(owner, id, { title: 'a' })).toMatchObject({ title: 'a', version: 3 });
  await other.remove(owner, id);
  expect(await one.restore(owner, id)).toMatchObject({ title: 'a', version: 5 });
});

test('a rejected write of a group is rejected alone, and the statement of the others confirms it', async () => {
  const owner = randomUUID();
  const { create, writeTogether, takeSent } = createProcess();
  const { id } = await create(owner);
  takeSent();
  const { results } = await writeTogether<unknown>([
    [owner, { ids: [], apply: (list) => list.create(newTodo()) }],
    [owner, { ids: [id], apply: (list) => list.update(id, { title: 'b' }, requireVersion(7)) }],
    [owner, { ids: [id], apply: (list) => list.remove(id) }],
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(takeSent()).toEqual(REMEMBERED);
  await checkFeed(owner, 3);
});

test('a write that the database rejects is rejected alone', async () => {
  const [owner, other] = [randomUUID(), randomUUID()];
  const { create, writeTogether } = createProcess();
  for (const subject of [owner, other]) await create(subject);
  const { results } = await writeTogether<Todo>([
    [owner, { ids: [], apply: (list) => list.create({ ...newTodo(), title: 'NUL \0' }) }],
    [other, { ids: [], apply: (list) => list.create(newTodo()) }],
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  await create(owner);
  await checkFeed(owner, 2);
  await checkFeed(other, 2);
});

test.each(['after', 'before'])(
  'a connection lost %s the commit rejects the write, and nothing is remembered',
  async (when) => {
    const owner = randomUUID();
    let isLost = false;
    const execute = async (call: Call) => {
      if (isLost && when === 'before') throw new Error('Connection terminated unexpectedly');
      const rows = await opened.transactions.execute(call);
      if (isLost) throw new Error('Connection terminated unexpectedly');
      return rows;
    };
    const { create, update, takeSent } = createProcess({ execute });
    const { id } = await create(owner);
    isLost = true;
    await expect(update(owner, id, { title: 'unknown' })).rejects.toThrow('Connection terminated');
    isLost = false;
    takeSent();
    const written = when === 'after' ? 1 : 0;
    expect(await update(owner, id, { priority: 1 })).toMatchObject({
      ...{ title: written === 1 ? 'unknown' : 'a', priority: 1, version: 2 + written },
    });
    expect(takeSent()).toEqual(['transaction']);
    await checkFeed(owner, 2 + written);
  },
);

test('a todo that another process has purged is gone', async () => {
  const owner = randomUUID();
  const { create, remove, restore, takeSent } = createProcess();
  const { id } = await create(owner);
  const { id: kept } = await create(owner);
  await remove(owner, id);
  await remove(owner, kept);
  await opened.em.execute("update api.todo set deleted_at = now() - interval '31 days' where owner = ? and id = ?", [
    owner,
    id,
  ]);
  await opened.transactions.run((transaction) => purgeList(transaction, owner));
  takeSent();
  await expect(restore(owner, id)).rejects.toThrow(TodoNotFoundError);
  expect(takeSent()).toEqual(LOCKED_AFTER_REMEMBERED);
  expect(await restore(owner, kept)).toMatchObject({ version: 3 });
});

test('the list that another process holds is not written, and the others of the group are', async ({ skip }) => {
  skip(opened.database.kind === 'embedded', 'the embedded database has one connection');
  const [held, free] = [randomUUID(), randomUUID()];
  const { create, writeTogether } = createProcess();
  for (const owner of [held, free]) await create(owner);
  const write: Write<Todo> = { ids: [], apply: (list) => list.create(newTodo()) };
  const group = [
    [held, write],
    [free, write],
  ] as const;
  await opened.em.transactional(async (transaction) => {
    await transaction.execute('select 1 from api.todo_list where owner = ? for update', [held]);
    const { results, notLocked } = await writeTogether(group);
    expect([...notLocked]).toEqual([held]);
    expect([results[0], results[1]?.status]).toEqual([undefined, 'fulfilled']);
  });
  await create(held);
  await checkFeed(held, 2);
  await checkFeed(free, 2);
});

test('two processes that write the same list at the same moment lose no change', async () => {
  const owner = randomUUID();
  const processes = [createProcess(), createProcess(), createProcess()];
  await processes[0]?.create(owner);
  for (let round = 0; round < 20; round++)
    await Promise.all(
      processes.map(async ({ writeTogether }) => {
        const write: Write<Todo> = { ids: [], apply: (list) => list.create(newTodo()) };
        for (;;) {
          const { notLocked } = await writeTogether([[owner, write]]);
          if (notLocked.size === 0) return;
        }
      }),
    );
  await checkFeed(owner, 61);
});

test('nothing is stored with the time of a clock that differs from that of the database', async () => {
  const owner = randomUUID();
  const { create, remembered } = createProcess();
  await create(owner);
  const { transactions } = opened;
  const write = {
    owner,
    write: { ids: [], apply: (list: Parameters<Write<Todo>['apply']>[0]) => list.create(newTodo()) },
  };
  for (const [difference, unsettled] of [
    [-60_000, 1],
    [60_000, 1],
    [0, 0],
  ] as const) {
    const clock = createDatabaseClock();
    const [row] = await opened.em.execute<{ now: number }[]>(
      'select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now',
    );
    clock.set((row?.now ?? 0) + difference);
    await create(owner);
    const writeRemembered = createWriteRemembered({
      ...{ transactions, remembered, clock, quota: QUOTA, onCommit: () => undefined },
    });
    const settled: unknown[] = [];
    const settle = (outcome: unknown) => void settled.push(outcome);
    const rest = await writeRemembered([{ ...write, resolve: settle, reject: settle }]);
    expect([rest.length, settled.length]).toEqual([unsettled, 1 - unsettled]);
    // a list that is doubted is confirmed by the next write
    await create(owner);
  }
});
