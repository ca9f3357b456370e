import { toVisibleJson } from '../../shared/visible-text.ts';
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
  async read(uri, { todos, signal }) {
    const { date, overdue, dueToday, truncated } = await findDueTodos(todos, signal);
    const text = toVisibleJson({
      date,
      time_zone: 'UTC',
      overdue: overdue.map((todo) => presentTodo(todo)),
      due_today: dueToday.map((todo) => presentTodo(todo)),
      ...(truncated && { more: `Each list has at most ${MAX_DUE_TODOS} todos. list_todos returns the others.` }),
    });
    return { uri, mimeType: 'application/json', text };
  },
};
