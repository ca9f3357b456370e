import type { Todo } from '../../shared/todo/todo.ts';
import { FIELD_PRESENTATIONS, type PresentedTodo, presentTodo } from './present-todo.ts';

const DETAILS = Object.values(FIELD_PRESENTATIONS).flatMap(({ detail }) => detail ?? []);

/** Describes a todo in text that says the same as its fields: a line, followed by the description. */
export function describeTodo(todo: PresentedTodo): string {
  const details = DETAILS.map((detail) => detail(todo)).filter(Boolean);
  const line = `[${todo.completed ? 'x' : ' '}] ${todo.title} (${details.join('; ')})`;
  return todo.description ? `${line}\n${todo.description}` : line;
}

/** Describes todos in text below a heading, for a prompt. */
export function describeTodos(heading: string, todos: readonly Todo[]): string {
  const lines = todos.map((todo) => describeTodo(presentTodo(todo)));
  return `${heading}:\n${lines.length === 0 ? 'none' : lines.join('\n')}`;
}
