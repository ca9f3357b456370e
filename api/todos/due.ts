import { InvalidRequestError } from '../../shared/http/http-error.ts';
import { addDays, parseDay, startOfDayMilliseconds, toDay } from '../../shared/local-time.ts';
import { ONE_DUE, type Todo, type TodoChanges } from '../../shared/todo/todo.ts';

type Due = Pick<Todo, 'due_at' | 'due_on'>;

/**
 * Changes when a todo is due: at a time or on a day, so a new value of one clears the other. A client that sends back the whole
 * todo sends the old value of the other with it.
 * @throws {InvalidRequestError} when both have a new value.
 */
export function changeDue(todo: Due, { due_at = todo.due_at, due_on = todo.due_on }: TodoChanges): Due {
  if (due_at === null || due_on === null) return { due_at, due_on };
  if (due_on === todo.due_on) return { due_at, due_on: null };
  if (due_at === todo.due_at) return { due_at: null, due_on };
  throw new InvalidRequestError([{ field: 'due_on', expected: ONE_DUE }]);
}

/** When a todo is due, in milliseconds since 1970. A day is due in its last millisecond, and no due time is infinity. */
export function dueTime({ due_at, due_on }: Due, zone: string): number {
  if (due_on !== null) return endOfDay(due_on, zone);
  return due_at === null ? Infinity : Date.parse(due_at);
}

/** The place of a time, a day or `infinity` among the times of todos. */
export function placeOfTime(due: string, zone: string): string {
  return parseDay(due) === undefined ? due : toDatabaseTime(endOfDay(due, zone));
}

/** The place of a time, a day or `infinity` among the days of todos, where `others` are the further keys of that place. */
export function placeOfDay(due: string, others: readonly unknown[], zone: string): readonly unknown[] {
  if (due === 'infinity' || parseDay(due) !== undefined) return [due, ...others];
  const day = toDay(due, zone);
  // the day ends in this millisecond, or else later: then all of its todos follow
  return Date.parse(due) === endOfDay(day, zone) ? [day, ...others] : [toDatabaseDay(day), '-infinity', NIL_UUID];
}

/** A bound of a filter: the time, and the first day that ends at it or later. A day stands for its beginning. */
export function dueBound(value: string, zone: string): { readonly time: string; readonly day: string } {
  return parseDay(value) === undefined
    ? { time: value, day: toDatabaseDay(toDay(value, zone)) }
    : { time: toDatabaseTime(startOfDayMilliseconds(value, zone)), day: value };
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

function endOfDay(day: string, zone: string): number {
  return startOfDayMilliseconds(addDays(day, 1), zone) - 1;
}

/** As PostgreSQL reads it: the zone may have the year before 1 or after 9999. */
function toDatabaseTime(milliseconds: number): string {
  const text = new Date(milliseconds).toISOString();
  if (text.startsWith('0000') || text.startsWith('-')) return '-infinity';
  return text.replace(/^\+0*/, '');
}

function toDatabaseDay(day: string): string {
  return parseDay(day) ?? (day.startsWith('+') ? 'infinity' : '-infinity');
}
