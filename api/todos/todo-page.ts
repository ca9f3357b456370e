import type { SqlEntityManager } from '@mikro-orm/postgresql';
import * as z from 'zod';
import { InvalidRequestError } from '../../shared/http/http-error.ts';
import { DEFAULT_PAGE_SIZE, LEAST_URGENT_PRIORITY, MAX_COUNT, MAX_PAGE_BYTES } from '../../shared/todo/limits.ts';
import { SORT_FIELDS, type SortField, type TodoListQuery } from '../../shared/todo/list-query.ts';
import { queryWords } from '../../shared/todo/search-words.ts';
import { Time } from '../../shared/todo/text.ts';
import { type Todo, TodoId } from '../../shared/todo/todo.ts';
import { SELECT_TODO, type TodoRow, toTodo } from './todo-row.ts';

/** A page of a list. `json` has each todo as it is sent, and `next` is the cursor of the page after it. */
export type TodoPage = {
  readonly todos: readonly Todo[];
  readonly json: readonly string[];
  readonly next: string | undefined;
};

type Connection = Pick<ReturnType<SqlEntityManager['getConnection']>, 'execute'>;

/** One column of an order. The last key of each order is unique, so that a cursor names exactly one place in the list. */
type Key = {
  readonly sql: string;
  readonly type: string;
  readonly value: z.ZodType;
  readonly of: (todo: Todo) => unknown;
};

const CREATED: Key = { sql: 'created_at', type: 'timestamptz', value: Time, of: (todo) => todo.created_at };
const ID: Key = { sql: 'id', type: 'uuid', value: TodoId, of: (todo) => todo.id };
const KEYS: Readonly<Record<SortField, readonly Key[]>> = {
  created_at: [CREATED, ID],
  updated_at: [{ sql: 'updated_at', type: 'timestamptz', value: Time, of: (todo) => todo.updated_at }, ID],
  due_at: [
    {
      sql: "coalesce(due_at, 'infinity')",
      type: 'timestamptz',
      value: z.union([Time, z.literal('infinity')]),
      of: (todo) => todo.due_at ?? 'infinity',
    },
    CREATED,
    ID,
  ],
  priority: [
    {
      sql: 'priority',
      type: 'smallint',
      value: z.int().min(1).max(LEAST_URGENT_PRIORITY),
      of: (todo) => todo.priority,
    },
    CREATED,
    ID,
  ],
  position: [{ sql: 'position', type: 'float8', value: z.number(), of: (todo) => todo.position }, ID],
};

/**
 * Reads a page of a list. A cursor contains the sort values of the last todo on the page before, and the page begins after
 * them. So no todo is missing or appears twice when other todos are added or removed between two pages. A page ends before
 * `limit` todos if its JSON would be larger than `MAX_PAGE_BYTES`, but it has at least one todo.
 * @throws {InvalidRequestError} for a cursor of another order.
 */
export async function listPage(connection: Connection, owner: string, query: TodoListQuery): Promise<TodoPage> {
  const { sort, limit, cursor } = query;
  const descending = sort.startsWith('-');
  const keys = keysOf(sort);
  const { where, values } = filter(owner, query);
  if (cursor !== undefined) {
    where.push(
      `(${keys.map(({ sql }) => sql).join(', ')}) ${descending ? '<' : '>'} (${keys.map(({ type }) => `?::${type}`).join(', ')})`,
    );
    values.push(...parseCursor(cursor, sort, keys));
  }
  const order = keys.map(({ sql }) => (descending ? `${sql} desc` : sql)).join(', ');
  const select = `select ${SELECT_TODO} from api.todo where ${where.join(' and ')} order by ${order} limit ${limit + 1}`;
  const rows = await connection.execute<TodoRow[]>(
    limit <= DEFAULT_PAGE_SIZE ? select : selectUpToMaxBytes(select, order),
    values,
  );
  const [todos, json]: [Todo[], string[]] = [[], []];
  let bytes = 0;
  for (const row of rows.slice(0, limit)) {
    const todo = toTodo(row);
    const text = JSON.stringify(todo);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_PAGE_BYTES && todos.length > 0) break;
    todos.push(todo);
    json.push(text);
  }
  const last = todos.at(-1);
  return { todos, json, next: rows.length > todos.length && last ? formatCursor(sort, keys, last) : undefined };
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
  const { where, values } = filter(owner, query);
  const [counted] = await connection.execute<{ count: number }[]>(
    `select count(*)::int as count from (select 1 from api.todo where ${where.join(' and ')} limit ${MAX_COUNT}) counted`,
    values,
  );
  return counted?.count ?? 0;
}

function filter(owner: string, { completed, due_before, due_after, priority, tag, q }: TodoListQuery) {
  const where = ['owner = ?', 'deleted_at is null'];
  const values: unknown[] = [owner];
  // in the form of the partial indexes, so that PostgreSQL uses them
  if (completed !== undefined) where.push(completed ? 'completed' : 'not completed');
  const addFilter = (condition: string, value: unknown) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  addFilter('due_at < ?', due_before);
  addFilter('due_at >= ?', due_after);
  addFilter('priority = ?', priority);
  addFilter('tags @> array[?]::text[]', tag);
  // a search word has only letters and digits, so it contains no operator of a tsquery. Without a word nothing is found
  addFilter(
    'words @@ ?::tsquery',
    q &&
      queryWords(q)
        .map((word) => `'${word}':*`)
        .join(' & '),
  );
  return { where, values };
}

function keysOf(sort: TodoListQuery['sort']): readonly Key[] {
  const field = z.enum(SORT_FIELDS).parse(sort.replace('-', ''));
  return KEYS[field];
}

function formatCursor(sort: string, keys: readonly Key[], todo: Todo): string {
  return Buffer.from(JSON.stringify([sort, ...keys.map(({ of }) => of(todo))])).toString('base64url');
}

function parseCursor(cursor: string, sort: string, keys: readonly Key[]): unknown[] {
  try {
    const [order, ...values] = z.array(z.unknown()).parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (order === sort && values.length === keys.length)
      return keys.map(({ value }, index) => value.parse(values[index]));
  } catch {
    // the cursor is not valid
  }
  throw new InvalidRequestError([
    { field: 'cursor', expected: 'a cursor from a Link header, of a list in the same order' },
  ]);
}
