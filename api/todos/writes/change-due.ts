import { InvalidRequestError } from '../../../shared/http/http-error.ts';
import { ONE_DUE, type Todo, type TodoChanges } from '../../../shared/todo/todo.ts';

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
