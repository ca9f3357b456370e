import { hash } from 'node:crypto';
import type { ImportedTodo } from '../../shared/todo/todo.ts';
import type { IdempotentRequest } from '../idempotency/idempotency.ts';

/**
 * Gives each todo without an id one that follows from the Idempotency-Key, the content of the import and the place of the
 * todo in it. So a repeated import finds the todos that an interrupted one has created. The ids do not depend on the owner.
 */
export function deriveIds(todos: readonly ImportedTodo[], { key, fingerprint }: IdempotentRequest): ImportedTodo[] {
  return todos.map((todo, index) =>
    todo.id === undefined ? { ...todo, id: toUuid(hash('sha256', JSON.stringify([key, fingerprint, index]))) } : todo,
  );
}

/** The beginning of a hash as a UUID of version 8, which leaves the meaning of its bits to the application (RFC 9562 §5.8). */
function toUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
