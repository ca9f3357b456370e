import * as z from 'zod';
import { InvalidRequestError } from '../../shared/http/http-error.ts';
import { LEAST_URGENT_PRIORITY } from '../../shared/todo/limits.ts';
import { SORT_FIELDS, type SortField, type TodoListQuery } from '../../shared/todo/list-query.ts';
import { Day, Time } from '../../shared/todo/text.ts';
import { type Todo, TodoId } from '../../shared/todo/todo.ts';
import { dueTime, placeAmongDays, placeAmongTimes } from './due-order.ts';

/** Values of the keys of an order, which name one place in a list. */
type Place = readonly unknown[];

/** Todos that one index has in the order of the list. */
export type ListPart = {
  /** The condition of the index. */
  readonly where: 'due_on is null' | 'due_on is not null' | undefined;
  readonly columns: readonly { readonly sql: string; readonly type: string }[];
  /** The values of the columns at a place of the whole list. */
  readonly valuesAt: (place: Place, zone: string) => Place;
};

/** The order of a list. A list by due time consists of two parts, because the place of a day depends on the time zone. */
type ListOrder = {
  readonly keys: readonly Key[];
  readonly parts: readonly ListPart[];
};

/** A value by which todos are sorted. The last key of each order is unique, so that a cursor names exactly one place. */
type Key = { readonly value: z.ZodType; readonly of: (todo: Todo) => unknown };
type Column = Key & ListPart['columns'][number];

const CREATED: Column = { sql: 'created_at', type: 'timestamptz', value: Time, of: (todo) => todo.created_at };
const ID: Column = { sql: 'id', type: 'uuid', value: TodoId, of: (todo) => todo.id };

const ORDERS: Readonly<Record<SortField, ListOrder>> = {
  created_at: inOnePart([CREATED, ID]),
  updated_at: inOnePart([{ sql: 'updated_at', type: 'timestamptz', value: Time, of: (todo) => todo.updated_at }, ID]),
  due_at: {
    keys: [
      {
        value: z.union([Day, Time, z.literal('infinity')]),
        of: (todo) => todo.due_on ?? todo.due_at ?? 'infinity',
      },
      CREATED,
      ID,
    ],
    parts: [
      {
        where: 'due_on is null',
        columns: [{ sql: "coalesce(due_at, 'infinity')", type: 'timestamptz' }, CREATED, ID],
        valuesAt: ([due, created, id], zone) => placeAmongTimes([String(due), created, id], zone),
      },
      {
        where: 'due_on is not null',
        columns: [{ sql: 'due_on', type: 'date' }, CREATED, ID],
        valuesAt: ([due, created, id], zone) => placeAmongDays([String(due), created, id], zone),
      },
    ],
  },
  priority: inOnePart([
    {
      sql: 'priority',
      type: 'smallint',
      value: z.int().min(1).max(LEAST_URGENT_PRIORITY),
      of: (todo) => todo.priority,
    },
    CREATED,
    ID,
  ]),
  position: inOnePart([{ sql: 'position', type: 'float8', value: z.number(), of: (todo) => todo.position }, ID]),
};

function inOnePart(columns: readonly Column[]): ListOrder {
  return { keys: columns, parts: [{ where: undefined, columns, valuesAt: (place) => place }] };
}

export function partsOf(sort: TodoListQuery['sort']): readonly ListPart[] {
  return orderOf(sort).parts;
}

/** Puts the todos of the parts of a list by due time into the order of the list. */
export function mergeByDueTime(todos: readonly Todo[], { sort, time_zone: zone }: TodoListQuery): Todo[] {
  const ascending = todos
    .map((todo) => ({ todo, due: dueTime(todo, zone) }))
    .sort(
      (one, other) =>
        compare(one.due, other.due) ||
        // two days end at the same time where the clock skipped a day
        compare(one.todo.due_on ?? '', other.todo.due_on ?? '') ||
        compare(one.todo.created_at, other.todo.created_at) ||
        compare(one.todo.id, other.todo.id),
    )
    .map(({ todo }) => todo);
  return sort.startsWith('-') ? ascending.reverse() : ascending;
}

/** Formats the place after a todo as a cursor. */
export function formatCursor(sort: TodoListQuery['sort'], last: Todo): string {
  return Buffer.from(JSON.stringify([sort, ...orderOf(sort).keys.map(({ of }) => of(last))])).toString('base64url');
}

/** @throws {InvalidRequestError} for a cursor of another order. */
export function parseCursor(cursor: string, sort: TodoListQuery['sort']): Place {
  const { keys } = orderOf(sort);
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

function orderOf(sort: TodoListQuery['sort']): ListOrder {
  return ORDERS[z.enum(SORT_FIELDS).parse(sort.replace('-', ''))];
}

function compare<T extends string | number>(one: T, other: T): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
