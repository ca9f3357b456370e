import { expect, test } from 'vitest';
import type { Todo } from '../../../shared/todo/todo.ts';
import { createListInMemory, type ListInMemory, type ListRow, type StoredTodo } from './list-in-memory.ts';
import { createRememberedLists } from './remembered-lists.ts';

const ROW = { sequence: 1, forgotten: 0, changedAt: 5, todos: 1, bytes: 1, changeBytes: 1, now: 9 };

/** A list that was locked, with todos of a description of `characters`. */
function lockedList(
  row: Partial<ListRow> & { owner: string },
  ids: readonly string[] = [],
  characters = 0,
): ListInMemory {
  const stored = new Map(ids.map((id): [string, StoredTodo] => [id, storedTodo(id, characters)]));
  return createListInMemory({ ...ROW, ...row }, { stored, taken: new Set(), quota: { todos: 100, bytes: 1e9 } });
}

function storedTodo(id: string, characters: number): StoredTodo {
  const todo: Todo = {
    ...{ id, title: 'a', description: 'x'.repeat(characters), completed: false, completed_at: null, due_at: null },
    ...{ due_on: null, priority: 4, tags: ['b'], position: 1, version: 1 },
    ...{ created_at: '2027-01-01T00:00:00.000Z', updated_at: '2027-01-01T00:00:00.000Z' },
  };
  return { todo, deletedAt: null, change: 'insert' };
}

test('a list is found with its todos until it is forgotten', () => {
  const lists = createRememberedLists();
  expect(lists.find('ada')).toBeUndefined();
  lists.remember(lockedList({ owner: 'ada' }, ['1']));
  lists.remember(lockedList({ owner: 'ada' }, ['2']));
  lists.remember(lockedList({ owner: 'bob' }));
  expect([...(lists.find('ada')?.todos.values() ?? [])].map(({ todo, change }) => [todo.id, change])).toEqual([
    ['1', undefined],
    ['2', undefined],
  ]);
  lists.forget('ada');
  expect(lists.find('ada')).toBeUndefined();
  lists.clear();
  expect(lists.find('bob')).toBeUndefined();
});

test.each([{ sequence: 2 }, { forgotten: 1 }, { changedAt: 6 }, { todos: 2 }, { bytes: 2 }, { changeBytes: 2 }])(
  'the todos of a list that another process has changed are forgotten: %o',
  (change) => {
    const lists = createRememberedLists();
    lists.remember(lockedList({ owner: 'ada' }, ['1']));
    lists.remember(lockedList({ owner: 'ada', ...change }, ['2']));
    expect(lists.find('ada')).toBeUndefined();
    // confirmed
    lists.remember(lockedList({ owner: 'ada', ...change }));
    expect([...(lists.find('ada')?.todos.keys() ?? [])]).toEqual(['2']);
  },
);

test('a list that is doubted is found again when it was locked unchanged', () => {
  const lists = createRememberedLists();
  lists.doubt('unknown');
  lists.remember(lockedList({ owner: 'ada' }, ['1']));
  lists.doubt('ada');
  expect(lists.find('ada')).toBeUndefined();
  lists.remember(lockedList({ owner: 'ada' }));
  expect([...(lists.find('ada')?.todos.keys() ?? [])]).toEqual(['1']);
});

test('the lists that were not used for longest are forgotten, by number and by bytes', () => {
  const few = createRememberedLists({ maxLists: 2 });
  for (const owner of ['ada', 'bob']) few.remember(lockedList({ owner }));
  few.find('ada');
  few.remember(lockedList({ owner: 'cy' }));
  expect(['ada', 'bob', 'cy'].filter((owner) => few.find(owner) !== undefined)).toEqual(['ada', 'cy']);

  const small = createRememberedLists({ maxBytes: 50_000 });
  for (const owner of ['ada', 'bob', 'cy']) small.remember(lockedList({ owner }, ['1'], 9_000));
  expect(['ada', 'bob', 'cy'].filter((owner) => small.find(owner) !== undefined)).toEqual(['bob', 'cy']);
  // more than all lists together may have
  small.remember(lockedList({ owner: 'cy' }, ['2', '3'], 9_000));
  expect(['bob', 'cy'].filter((owner) => small.find(owner) !== undefined)).toEqual(['bob']);
});

test('a list keeps the todos that were used last, and their bytes only once', () => {
  const lists = createRememberedLists({ maxBytes: 150_000 });
  for (let number = 0; number < 100; number++) lists.remember(lockedList({ owner: 'ada' }, ['first', String(number)]));
  const ids = [...(lists.find('ada')?.todos.keys() ?? [])];
  expect(ids).toHaveLength(64);
  expect(ids).toContain('first');
  expect(ids).not.toContain('36');
  for (let round = 0; round < 100; round++) lists.remember(lockedList({ owner: 'ada' }, ['first'], 9_000));
  expect(lists.find('ada')?.todos.size).toBe(64);
});
