import { InvalidRequestError } from '../../shared/http/http-error.ts';
import type { SentTodo, Todo, TodoChanges } from '../../shared/todo/todo.ts';
import { VersionMismatchError } from './todo-errors.ts';

/**
 * Splits what a client sent into the changes and the fields that only the server sets. A client can send back the whole todo
 * that it has read: those fields must be as they are.
 */
export function splitReadOnlyFields({ id, version, created_at, updated_at, completed_at, ...changes }: SentTodo): {
  readonly changes: TodoChanges;
  /** @throws {VersionMismatchError} for another version. @throws {InvalidRequestError} for another value of the other fields. */
  readonly requireUnchanged: (todo: Todo) => void;
} {
  return {
    changes,
    requireUnchanged(todo) {
      if (version !== undefined && version !== todo.version) throw new VersionMismatchError('version', todo.version);
      const differing = Object.entries({ id, created_at, updated_at, completed_at }).filter(
        ([field, value]) => value !== undefined && value !== todo[field as keyof Todo],
      );
      if (differing.length === 0) return;
      throw new InvalidRequestError(
        differing.map(([field]) => ({
          field,
          expected: 'the value that the todo has, because only the server sets it',
        })),
      );
    },
  };
}
