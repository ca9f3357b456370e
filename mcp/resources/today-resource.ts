import type { ReadResourceResult } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { TimeZone } from '../../shared/todo/text.ts';
import { toVisibleJson } from '../../shared/visible-text.ts';
import { completeTimeZone } from '../complete-time-zone.ts';
import type { FeatureContext } from '../feature-context.ts';
import { findDueTodos, MAX_DUE_TODOS } from '../todos/due-todos.ts';
import { presentTodo } from '../todos/present-todo.ts';
import type { Resource } from './resource.ts';

const URI = 'todo://today';
const TEMPLATE = `${URI}{?time_zone}`;

/** The open todos that are overdue or due today. */
export const todayResource: Resource = {
  name: 'today',
  title: 'Today',
  description: 'Open todos that are overdue or due today (in UTC), as JSON',
  mimeType: 'application/json',
  scope: 'todos:read',
  address: { uri: URI },
  matches: (uri) => uri === URI,
  read: (uri, context) => readToday(uri, 'UTC', context),
};

/** The same in another time zone. */
export const todayInTimeZoneResource: Resource = {
  name: 'today_in_time_zone',
  title: 'Today in a time zone',
  description: 'Open todos that are overdue or due today in the time zone, such as Europe/Berlin, as JSON',
  mimeType: 'application/json',
  scope: 'todos:read',
  address: { uriTemplate: TEMPLATE },
  matches: (uri) => uri.startsWith(`${URI}?`),
  problemOf(uri) {
    const { error } = TimeZoneParameter.safeParse(parametersOf(uri));
    return error && `${TEMPLATE}: expected ${error.issues[0]?.message}`;
  },
  read: async (uri, context) => readToday(uri, TimeZoneParameter.parse(parametersOf(uri)), context),
  complete: async (value) => completeTimeZone(value),
};

const ONE_PARAMETER = 'one parameter, time_zone';

/** The only parameter of a URI of the template. Another parameter could be meant to change the result. */
const TimeZoneParameter = z
  .tuple([z.tuple([z.literal('time_zone', ONE_PARAMETER), z.string()])], ONE_PARAMETER)
  .transform(([[, value]]) => value)
  .pipe(TimeZone);

function parametersOf(uri: string): [string, string][] {
  return [...new URLSearchParams(uri.slice(URI.length))];
}

async function readToday(
  uri: string,
  timeZone: string,
  { todos, signal }: FeatureContext,
): Promise<ReadResourceResult['contents'][number]> {
  const { date, overdue, dueToday, truncated } = await findDueTodos(todos, { signal, timeZone });
  const text = toVisibleJson({
    date,
    time_zone: timeZone,
    overdue: overdue.map((todo) => presentTodo(todo)),
    due_today: dueToday.map((todo) => presentTodo(todo)),
    ...(truncated && { more: `Each list has at most ${MAX_DUE_TODOS} todos. list_todos returns the others.` }),
  });
  return { uri, mimeType: 'application/json', text };
}
