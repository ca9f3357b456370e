import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SORTS, TodoListQuery } from '../../shared/todo/list-query.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { anyDay, anyText, anyTime, anyTodo, anyWord } from '../testing/arbitrary-todo.ts';
import { type Caller, resource, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each list has its own owner
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

type Query = Partial<Record<keyof TodoListQuery, string>>;

const anyTodos = fc.array(anyTodo, { maxLength: 25 });
const anyFilters = fc.record(
  {
    completed: fc.constantFrom('true', 'false'),
    due_before: fc.oneof(anyTime, anyDay),
    due_after: fc.oneof(anyTime, anyDay),
    time_zone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Pacific/Kiritimati',
      'Etc/GMT+12',
      'America/St_Johns',
      'Pacific/Apia',
    ),
    priority: fc.constantFrom('1', '2', '3', '4'),
    tag: fc.oneof(anyWord, anyText),
    q: fc
      .array(fc.oneof(anyWord, fc.constantFrom('b', 'M', 'mil', 'STRASSE', '東')), { minLength: 1, maxLength: 2 })
      .map((words) => words.join(' ')),
  },
  { requiredKeys: [] },
);
const anyLimit = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(24, 25, 26, 200)).map(String);

test.each(SORTS)('with any limit, the pages sorted by %s are the whole filtered list in order', async (sort) => {
  await fc.assert(
    fc.asyncProperty(anyTodos, fc.array(anyFilters, { minLength: 1, maxLength: 3 }), anyLimit, async (...any) => {
      const [todos, queries, limit] = any;
      const owner = await addTodos(todos);
      const all = await walk(owner, { limit: '200' });
      expect(all.map(contentOf).sort(byText)).toEqual(todos.map(contentOf).sort(byText));
      for (const filters of [{}, ...queries]) {
        const listed = inOrder(
          all.filter((todo) => passes(todo, filters)),
          sort,
          'time_zone' in filters ? filters.time_zone : undefined,
        );
        expect(await walk(owner, { ...filters, sort, limit })).toEqual(listed);
        expect(await api.todos.count(owner, TodoListQuery.parse(filters))).toBe(listed.length);
      }
    }),
    { numRuns: 15 },
  );
});

test('a client sees each todo that stays exactly once while other todos are added and removed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyTodo, { minLength: 5, maxLength: 25 }),
      fc.infiniteStream(fc.tuple(fc.array(anyTodo, { maxLength: 2 }), fc.nat())),
      fc.constantFrom(...SORTS),
      anyLimit,
      async (todos, changes, sort, limit) => {
        const owner = await addTodos(todos);
        const all = await walk(owner, {});
        const [kept, doomed] = [all.filter((_, index) => index % 3 > 0), all.filter((_, index) => index % 3 === 0)];
        const seen = await walk(owner, { sort, limit }, async () => {
          const [added, removed] = changes.next().value;
          await api.todos.importTodos(owner, added);
          const [victim] = doomed.splice(removed % (doomed.length || 1), 1);
          if (victim !== undefined)
            await api.todos.write(owner, { ids: [victim.id], apply: (list) => list.remove(victim.id) });
        });
        const ids = new Set(kept.map(({ id }) => id));
        expect(seen.filter(({ id }) => ids.has(id))).toEqual(inOrder(kept, sort));
        expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
      },
    ),
    { numRuns: 40 },
  );
});

test("an owner never sees another owner's todos", async () => {
  await fc.assert(
    fc.asyncProperty(anyTodos, anyTodos, anyFilters, fc.constantFrom(...SORTS), async (ones, others, filters, sort) => {
      const [one, other] = [await addTodos(ones), await addTodos(others)];
      const own = new Set((await walk(one, {})).map(({ id }) => id));
      expect(own.size).toBe(ones.length);
      const query = TodoListQuery.parse({ ...filters, sort, limit: '1' });
      // a cursor has only the position in a list, and not its owner
      const { next } = await api.todos.list(other, TodoListQuery.parse({ sort, limit: '1' }));
      for (const cursor of [undefined, next]) {
        const page = await api.todos.list(one, { ...query, ...(cursor !== undefined && { cursor }) });
        expect(page.todos.filter(({ id }) => !own.has(id))).toEqual([]);
      }
      for (const { id } of await walk(one, {})) expect(await api.todos.find(other, id)).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test('a search finds the todos where each search word is the beginning of a word', async () => {
  const list = ['Buy milk', 'the BUYER of 2027 litres', 'milk-shake, straße', 'Café Zoë', 'ﬁne print', '東京 へ'];
  const owner = await addTodos([
    ...list.map((title) => todoOf({ title })),
    todoOf({ title: 'elsewhere', description: 'to be found: Buttermilk, milk.' }),
  ]);
  const find = async (q: string) => (await walk(owner, { q })).map(({ title }) => title).sort();
  expect(await find('buy')).toEqual(['Buy milk', 'the BUYER of 2027 litres']);
  expect(await find('mil buy')).toEqual(['Buy milk']);
  expect(await find('MILK')).toEqual(['Buy milk', 'elsewhere', 'milk-shake, straße']);
  expect(await find('shake')).toEqual(['milk-shake, straße']);
  expect(await find("'2027' & !the:*")).toEqual(['the BUYER of 2027 litres']);
  expect(await find('caf')).toEqual(['Café Zoë']);
  expect(await find('cafe\u0301')).toEqual(['Café Zoë']);
  expect(await find('fine')).toEqual(['ﬁne print']);
  expect(await find('東')).toEqual(['東京 へ']);
  expect(await find('utter')).toEqual([]);
});

test('a search ignores case and finds a word by its beginning', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(anyText, anyWord), { minLength: 1, maxLength: 12 }),
      fc.nat(),
      async (texts, at) => {
        const owner = await addTodos(texts.map((title) => todoOf({ title })));
        const words = wordsIn(texts[at % texts.length] ?? '');
        for (const word of words) {
          const q = [...word].slice(0, 1 + (at % [...word].length)).join('');
          const found = await walk(owner, { q });
          const matching = texts.filter((text) =>
            wordsIn(text).some((one) => wordsIn(q).every((part) => one.startsWith(part))),
          );
          expect(found.map(({ title }) => title).sort(byText)).toEqual(matching.sort(byText));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the Link headers lead through the whole requested list', async () => {
  await fc.assert(
    fc.asyncProperty(anyTodos, anyFilters, fc.constantFrom(...SORTS), async (todos, filters, sort) => {
      const sub = await addTodos(todos);
      const call = await api.createCaller({ sub });
      const listed = inOrder(
        (await walk(sub, {})).filter((todo) => passes(todo, filters)),
        sort,
        filters.time_zone,
      );
      const pages = await follow(call, `?${new URLSearchParams({ ...filters, sort, limit: '3', count: 'true' })}`);
      expect(pages.flatMap(({ page }) => page)).toEqual(listed);
      expect(pages.map(({ total }) => total)).toEqual(pages.map(() => String(listed.length)));
      expect(pages.map(({ page }) => page.length).slice(0, -1)).toEqual(pages.slice(1).map(() => 3));
    }),
    { numRuns: 15 },
  );
});

test('a page has 50 todos by default, and the last page has no Link header', async () => {
  const sub = await addTodos(Array.from({ length: 101 }, (_, index) => todoOf({ title: `todo ${index}` })));
  const pages = await follow(await api.createCaller({ sub }), '');
  expect(pages.map(({ page, total }) => [page.length, total])).toEqual([
    [50, null],
    [50, null],
    [1, null],
  ]);
});

/** Adds todos to the list of a new owner. */
async function addTodos(todos: Parameters<typeof api.todos.importTodos>[1]) {
  const owner = `owner-${randomUUID()}`;
  const { created } = await api.todos.importTodos(owner, todos);
  expect(created).toBe(todos.length);
  return owner;
}

function todoOf(fields: { title: string; description?: string }) {
  return { description: null, completed: false, due_at: null, due_on: null, priority: 4, tags: [], ...fields };
}

/** Reads all pages of a list, one after the other. */
async function walk(owner: string, query: Query, between = async () => {}): Promise<Todo[]> {
  const todos: Todo[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.todos.list(owner, TodoListQuery.parse({ ...query, ...(cursor && { cursor }) }));
    todos.push(...page.todos);
    cursor = page.next;
    // the walk must end, although todos are added before its position
    if (todos.length < 200) await between();
    if (todos.length > 500) throw new Error('the pages do not end');
  } while (cursor !== undefined);
  return todos;
}

/** Reads all pages of a list like a client that only follows links. */
async function follow(call: Caller, query: string) {
  const pages: { page: Todo[]; total: string | null }[] = [];
  for (let next: string | undefined = `${resource}/todos${query}`; next !== undefined; ) {
    const { pathname, search } = new URL(next);
    const { status, headers, body } = await call('GET', pathname + search);
    expect(status).toBe(200);
    pages.push({ page: Todo.array().parse(body), total: headers.get('total-count') });
    next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  }
  return pages;
}

/** The fields of a todo that were sent. */
function contentOf({
  title,
  description,
  completed,
  due_at,
  due_on,
  priority,
  tags,
  position,
  created_at,
}: Partial<Todo>) {
  return JSON.stringify([title, description, completed, due_at, due_on, priority, tags, position, created_at]);
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** The filters of the contract, in JavaScript. */
function passes(todo: Todo, { completed, due_before, due_after, time_zone, priority, tag, q }: Query): boolean {
  const due = dueIn(todo, time_zone);
  const words = wordsIn(`${todo.title} ${todo.description ?? ''}`);
  return (
    (completed === undefined || String(todo.completed) === completed) &&
    (due_before === undefined || (due !== undefined && due < timeOf(due_before, time_zone))) &&
    (due_after === undefined || (due !== undefined && due >= timeOf(due_after, time_zone))) &&
    (priority === undefined || String(todo.priority) === priority) &&
    (tag === undefined || todo.tags.includes(tag)) &&
    (q === undefined || wordsIn(q).every((part) => words.some((word) => word.startsWith(part))))
  );
}

/** When a todo is due. A day is due in its last millisecond. */
function dueIn({ due_at, due_on }: Todo, zone = 'UTC'): number | undefined {
  if (due_on === null) return due_at === null ? undefined : Date.parse(due_at);
  return Temporal.PlainDate.from(due_on).add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds - 1;
}

function timeOf(timeOrDay: string, zone = 'UTC'): number {
  return timeOrDay.includes('T')
    ? Date.parse(timeOrDay)
    : Temporal.PlainDate.from(timeOrDay).toZonedDateTime(zone).epochMilliseconds;
}

function wordsIn(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter((word) => word !== '');
}

/** The order of the contract, in JavaScript: equal todos by age, then by id. Todos without a due time are last. */
function inOrder(todos: readonly Todo[], sort: string, zone?: string): Todo[] {
  const field = sort.replace('-', '');
  const keysOf = (todo: Todo): (string | number)[] => {
    switch (field) {
      case 'created_at':
        return [todo.created_at];
      case 'updated_at':
        return [todo.updated_at];
      case 'due_at':
        return [dueIn(todo, zone) ?? Infinity, todo.due_on ?? '', todo.created_at];
      case 'priority':
        return [todo.priority, todo.created_at];
      default:
        return [todo.position];
    }
  };
  const ascending = todos.toSorted((one, other) => {
    const [left, right] = [
      [...keysOf(one), one.id],
      [...keysOf(other), other.id],
    ];
    const differing = left.findIndex((key, index) => key !== right[index]);
    return (left[differing] ?? '') < (right[differing] ?? '') ? -1 : 1;
  });
  return sort.startsWith('-') ? ascending.reverse() : ascending;
}
