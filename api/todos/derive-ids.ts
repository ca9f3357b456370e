import type { ImportedTodo } from '../../shared/todo/todo.ts';
import { uuidFromHash } from '../../shared/todo/uuid-from-hash.ts';
import type { IdempotentRequest } from '../idempotency/idempotency.ts';

/**
 * Gives each todo without an id one that follows from the Idempotency-Key, the content of the import and the place of the
 * todo in it. So a repeated import finds the todos that an interrupted one has created. The ids do not depend on the owner.
 */
export function deriveIds(todos: readonly ImportedTodo[], { key, fingerprint }: IdempotentRequest): ImportedTodo[] {
  return todos.map((todo, index) =>
    todo.id === undefined ? { ...todo, id: uuidFromHash([key, fingerprint, index]) } : todo,
  );
}
