import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DEFAULT_PAGE_SIZE, MAX_COUNT, MAX_PAGE_BYTES } from '../../shared/todo/limits.ts';
import type { TodoListQuery } from '../../shared/todo/list-query.ts';
import { queryWords } from '../../shared/todo/search-words.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { dueBound } from './due-order.ts';
import { formatCursor, type ListPart, mergeByDueTime, parseCursor, partsOf } from './list-order.ts';
import { SELECT_TODO, type TodoRow, toTodo } from './todo-row.ts';

/** A page of a list. `json` has each todo as it is sent, and `next` is the cursor of the page after it. */
export type TodoPage = {
  readonly todos: readonly Todo[];
  readonly json: readonly string[];
  readonly next: string | undefined;
};

/** In a list of so many todos, a search takes about 10 ms without the index of words. */
const MAX_SHORT_LIST_TODOS = 10_000;

type Connection = Pick<ReturnType<SqlEntityManager['getConnection']>, 'execute'>;

/**
 * Reads a page of a list. A cursor contains the sort values of the last todo on the page before, and the page begins after
 * them. So no todo is missing or appears twice when other todos are added or removed between two pages. A page ends before
 * `limit` todos if its JSON would be larger than `MAX_PAGE_BYTES`, but it has at least one todo.
 * @throws {InvalidRequestError} for a cursor of another order.
 */
export async function listPage(connection: Connection, owner: string, query: TodoListQuery): Promise<TodoPage> {
  const { sort, limit } = query;
  const search = await findSearch(connection, owner, query);
  const parts = partsOf(sort).map((part) => selectPart(owner, query, search, part));
  const rows = await connection.execute<TodoRow[]>(
    parts.map(({ select }) => `(${select})`).join(' union all '),
    parts.flatMap(({ values }) => values),
  );
  const found = rows.map(toTodo);
  const sorted = parts.length === 1 ? found : mergeByDueTime(found, query);
  const [todos, json]: [Todo[], string[]] = [[], []];
  let bytes = 0;
  for (const todo of sorted.slice(0, limit)) {
    const text = JSON.stringify(todo);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_PAGE_BYTES && todos.length > 0) break;
    todos.push(todo);
    json.push(text);
  }
  const last = todos.at(-1);
  return { todos, json, next: rows.length > todos.length && last ? formatCursor(sort, last) : undefined };
}

/** The first todos of a part of a list, from the cursor on, as many as may be on the page and one more. */
function selectPart(
  owner: string,
  query: TodoListQuery,
  search: Condition,
  part: ListPart,
): Condition & { readonly select: string } {
  const { sort, limit, cursor, time_zone: zone } = query;
  const { columns } = part;
  const descending = sort.startsWith('-');
  const { where, values } = filter(owner, query, search, part.where);
  if (cursor !== undefined) {
    where.push(
      `(${columns.map(({ sql }) => sql).join(', ')}) ${descending ? '<' : '>'} (${columns.map(({ type }) => `?::${type}`).join(', ')})`,
    );
    values.push(...part.valuesAt(parseCursor(cursor, sort), zone));
  }
  const order = columns.map(({ sql }) => (descending ? `${sql} desc` : sql)).join(', ');
  const select = `select ${SELECT_TODO} from api.todo where ${where.join(' and ')} order by ${order} limit ${limit + 1}`;
  return { where, values, select: limit <= DEFAULT_PAGE_SIZE ? select : selectUpToMaxBytes(select, order) };
}

/**
 * Leaves out rows that cannot be on the page, so that the database does not send many long todos in vain. It counts only
 * titles and descriptions, and not what JSON adds. So when it leaves out rows, it still returns one row more than the page
 * has, which shows that another page follows.
 */
function selectUpToMaxBytes(select: string, order: string): string {
  return `select ${SELECT_TODO} from (
    select *, sum(octet_length(title) + coalesce(octet_length(description), 0))
        over (order by ${order} rows between unbounded preceding and 1 preceding) as bytes_before
      from (${select}) todo
    ) todo where coalesce(bytes_before, 0) <= ${MAX_PAGE_BYTES} order by ${order}`;
}

/** Counts the todos that match the filters of `query`, up to `MAX_COUNT`. */
export async function countTodos(connection: Connection, owner: string, query: TodoListQuery): Promise<number> {
  const { where, values } = filter(owner, query, await findSearch(connection, owner, query));
  const [counted] = await connection.execute<{ count: number }[]>(
    `select count(*)::int as count from (select 1 from api.todo where ${where.join(' and ')} limit ${MAX_COUNT}) counted`,
    values,
  );
  return counted?.count ?? 0;
}

type Condition = { readonly where: string[]; readonly values: unknown[] };

/** @param part the condition of a part of the list; undefined for the whole list. */
function filter(owner: string, query: TodoListQuery, search: Condition, part?: ListPart['where']): Condition {
  const { completed, due_before, due_after, time_zone: zone, priority, tag } = query;
  const where = ['owner = ?', 'deleted_at is null', ...search.where, ...(part ? [part] : [])];
  const values: unknown[] = [owner, ...search.values];
  // in the form of the partial indexes, so that PostgreSQL uses them
  if (completed !== undefined) where.push(completed ? 'completed' : 'not completed');
  const addFilter = (condition: string, value: unknown) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  addFilter('priority = ?', priority);
  addFilter('tags @> array[?]::text[]', tag);
  const bounds = [
    ...(due_before === undefined ? [] : [{ operator: '<', ...dueBound(due_before, zone) }]),
    ...(due_after === undefined ? [] : [{ operator: '>=', ...dueBound(due_after, zone) }]),
  ];
  if (bounds.length > 0) {
    const compared = (part === undefined ? DUE_PARTS : [part]).map((each) => compareDue(each, bounds));
    where.push(`(${compared.map(({ where }) => where.join(' and ')).join(' or ')})`);
    values.push(...compared.flatMap(({ values }) => values));
  }
  return { where, values };
}

/**
 * The condition of a search. The index of words has the words of all owners, and PostgreSQL underestimates how many todos have
 * several common words. So in a short list each todo is compared: the index serves the operator `@@`, and not its function.
 */
async function findSearch(connection: Connection, owner: string, { q }: TodoListQuery): Promise<Condition> {
  if (q === undefined) return { where: [], values: [] };
  const [list] = await connection.execute<{ todos: number }[]>('select todos from api.todo_list where owner = ?', [
    owner,
  ]);
  const isShort = (list?.todos ?? 0) <= MAX_SHORT_LIST_TODOS;
  // a word has only letters and digits, so it contains no operator of a tsquery. Without a word nothing is found
  const words = queryWords(q).map((word) => `'${word}':*`);
  return { where: [isShort ? 'ts_match_vq(words, ?::tsquery)' : 'words @@ ?::tsquery'], values: [words.join(' & ')] };
}

type Bound = ReturnType<typeof dueBound> & { readonly operator: string };
type DuePart = NonNullable<ListPart['where']>;

const DUE_PARTS: readonly DuePart[] = ['due_on is null', 'due_on is not null'];

/** Compares when the todos of a part are due with the bounds, in the form of the index of the part. */
function compareDue(part: DuePart, bounds: readonly Bound[]): Condition {
  switch (part) {
    case 'due_on is null':
      return {
        // the second comparison is the one of which PostgreSQL can estimate how many todos match
        where: [
          part,
          ...bounds.flatMap(({ operator }) => [`coalesce(due_at, 'infinity') ${operator} ?`, `due_at ${operator} ?`]),
        ],
        values: bounds.flatMap(({ time }) => [time, time]),
      };
    case 'due_on is not null':
      return {
        where: [part, ...bounds.map(({ operator }) => `due_on ${operator} ?`)],
        values: bounds.map(({ day }) => day),
      };
  }
}
