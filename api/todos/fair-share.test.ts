import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import { NewTodo } from '../../shared/todo/todo.ts';
import { apiDatabase } from '../database/definition.ts';
import { openTodos as openTodosOf } from './todos.ts';
import type { TodoList } from './writes/list-in-memory.ts';

async function openTodos() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, apiDatabase));
  const { kind } = database;
  const logger = pino({ level: 'silent' });
  const todos = opening.use(openTodosOf({ em, database, quota: { todos: 1_000, bytes: 1_000_000 }, logger }));
  const opened = opening.move();
  return { todos, em, kind, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('many reads of one owner run a few at a time, and do not delay a read of another owner', async () => {
  await using opened = await openTodos();
  const { todos, em } = opened;
  const connection = em.getConnection();
  const execute = connection.execute.bind(connection);
  const released = Promise.withResolvers<void>();
  let [running, most] = [0, 0];
  vi.spyOn(connection, 'execute').mockImplementation(async (query, params, ...rest) => {
    if (!Array.isArray(params) || params[0] !== 'many') return execute(query, params, ...rest);
    running += 1;
    most = Math.max(most, running);
    await released.promise;
    return execute(query, params, ...rest).finally(() => {
      running -= 1;
    });
  });
  const list = TodoListQuery.parse({});
  const many = Array.from({ length: 30 }, async (_, number) => {
    const reads = [todos.list, todos.count, (owner: string) => todos.find(owner, randomUUID())];
    await reads[number % reads.length]?.('many', list);
  });
  // it ends while those of the other owner are running and waiting
  await todos.list('one', list);
  expect(running).toBe(4);
  released.resolve();
  await Promise.all(many);
  expect(most).toBe(4);
});

test('after a long transaction on the embedded database another owner writes first', async ({ skip }) => {
  await using opened = await openTodos();
  skip(opened.kind !== 'embedded', 'PostgreSQL runs transactions at the same time');
  const writes: string[] = [];
  const write = async (owner: string, name: string, beforeWrite?: () => Promise<unknown>) => {
    const create = (list: TodoList) => list.create(NewTodo.parse({ title: name }));
    await opened.todos.write(owner, { ids: [], apply: create }, { ...(beforeWrite && { beforeWrite }) });
    writes.push(name);
  };
  const begun = Promise.withResolvers<void>();
  const first = write('long', 'first', async () => {
    begun.resolve();
    await delay(300);
  });
  await begun.promise;
  const second = write('long', 'second');
  await first;
  // the second one would have begun by now
  await setImmediate();
  await write('other', 'other');
  await second;
  expect(writes).toEqual(['first', 'other', 'second']);
});
