import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import { TimeZone } from '../../shared/todo/text.ts';
import { toVisibleJson } from '../../shared/visible-text.ts';
import { completeTimeZone } from '../complete-time-zone.ts';
import type { FeatureContext } from '../feature-context.ts';
import { findDueTodos, MAX_DUE_TODOS } from '../todos/due-todos.ts';
import { presentTodo } from '../todos/present-todo.ts';
import type { Resource } from './resource.ts';

const URI = 'todo://today';

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
  address: { uriTemplate: `${URI}{?time_zone}` },
  matches: (uri) => findTimeZone(uri) !== undefined,
  async read(uri, context) {
    const timeZone = findTimeZone(uri);
    return timeZone === undefined ? undefined : readToday(uri, timeZone, context);
  },
  complete: async (value) => completeTimeZone(value),
};

/** The only parameter of a URI of the template. Another parameter could be meant to change the result. */
function findTimeZone(uri: string): string | undefined {
  if (!uri.startsWith(`${URI}?`)) return undefined;
  const [[name, value] = [], ...others] = new URLSearchParams(uri.slice(URI.length));
  return name === 'time_zone' && others.length === 0 ? TimeZone.safeParse(value).data : undefined;
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
