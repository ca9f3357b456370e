import { addDays, parseDay, startOfDayMilliseconds, toDay } from '../../shared/local-time.ts';
import type { Todo } from '../../shared/todo/todo.ts';

/** When a todo is due, in milliseconds since 1970. A day is due in its last millisecond, and no due time is infinity. */
export function dueTime({ due_at, due_on }: Pick<Todo, 'due_at' | 'due_on'>, zone: string): number {
  if (due_on !== null) return endOfDay(due_on, zone);
  return due_at === null ? Infinity : Date.parse(due_at);
}

/** A place in the order by due time, or `infinity`, and the further keys of a todo there. */
type Place = readonly [due: string, created: unknown, id: unknown];

/** The place among the todos with a time. Those that are due when a day ends come before the todos of that day. */
export function placeAmongTimes([due, ...others]: Place, zone: string): Place {
  return isDay(due) ? [toDatabaseTime(endOfDay(due, zone)), 'infinity', MAX_UUID] : [due, ...others];
}

/** The place among the todos with a day: a time comes before all days that end then or later. */
export function placeAmongDays([due, ...others]: Place, zone: string): Place {
  if (due === 'infinity' || isDay(due)) return [due, ...others];
  return [toDatabaseDay(firstDayThatEnds(due, zone)), '-infinity', NIL_UUID];
}

/** A bound of a filter: the time, and the first day that ends at it or later. A day stands for its beginning. */
export function dueBound(value: string, zone: string): { readonly time: string; readonly day: string } {
  return isDay(value)
    ? { time: toDatabaseTime(startOfDayMilliseconds(value, zone)), day: value }
    : { time: value, day: toDatabaseDay(firstDayThatEnds(value, zone)) };
}

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

function isDay(value: string): boolean {
  return parseDay(value) !== undefined;
}

/** The first day that ends at this time or later. Where the clock goes back over midnight, a day ends before its last hour. */
function firstDayThatEnds(time: string, zone: string): string {
  const milliseconds = Date.parse(time);
  let day = toDay(time, zone);
  while (endOfDay(day, zone) < milliseconds) day = addDays(day, 1);
  return day;
}

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
