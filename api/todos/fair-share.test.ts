import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import { NewTodo } from '../../shared/todo/todo.ts';
import { apiDatabase } from '../database/definition.ts';
import { createTodos } from './todos.ts';

async function openTodos() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, apiDatabase));
  const { kind } = database;
  const todos = createTodos({ em, kind, quota: { todos: 1_000, bytes: 1_000_000 } });
  const opened = opening.move();
  return { todos, em, kind, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('many reads of one owner run a few at a time, and do not delay a read of another owner', async () => {
  await using opened = await openTodos();
  const { todos, em } = opened;
  const connection = em.getConnection();
  const execute = connection.execute.bind(connection);
  let [running, most] = [0, 0];
  vi.spyOn(connection, 'execute').mockImplementation(async (query, params, ...rest) => {
    const isCounted = Array.isArray(params) && params[0] === 'many';
    if (isCounted) running += 1;
    most = Math.max(most, running);
    return execute(query, params, ...rest).finally(() => {
      if (isCounted) running -= 1;
    });
  });
  const list = TodoListQuery.parse({});
  // opens the connections of the pool, which takes longer than thirty reads
  await Promise.all(Array.from({ length: 8 }, (_, owner) => todos.list(String(owner), list)));
  const ended: string[] = [];
  const many = Array.from({ length: 30 }, async (_, number) => {
    const reads = [todos.list, todos.count, (owner: string) => todos.find(owner, randomUUID())];
    await reads[number % reads.length]?.('many', list);
    ended.push('many');
  });
  await todos.list('one', list);
  ended.push('one');
  await Promise.all(many);
  expect(most).toBe(4);
  // only those that had begun before it may have ended
  expect(ended.indexOf('one')).toBeLessThanOrEqual(8);
});

test('after a long transaction on the embedded database another owner writes first', async ({ skip }) => {
  await using opened = await openTodos();
  skip(opened.kind !== 'embedded', 'PostgreSQL runs transactions at the same time');
  const { write } = opened.todos;
  const writes: string[] = [];
  const first = write('long', async (writer) => {
    await writer.create(NewTodo.parse({ title: 'first' }));
    await delay(300);
    writes.push('first');
  });
  const second = write('long', async () => void writes.push('second'));
  await first;
  // the second one would have begun by now
  await setImmediate();
  await write('other', async () => void writes.push('other'));
  await second;
  expect(writes).toEqual(['first', 'other', 'second']);
});
