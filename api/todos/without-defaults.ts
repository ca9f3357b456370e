import { isDeepStrictEqual } from 'node:util';
import type { Batch } from '../../shared/todo/batch.ts';
import { NewTodo } from '../../shared/todo/todo.ts';

const { title, ...defaults } = NewTodo.parse({ title: 'any' });
const DEFAULTS: Readonly<Record<string, unknown>> = defaults;

/**
 * The fields of a new todo that differ from their defaults. A version of yata with a further field gives the same result for the
 * same request, so that a request with an Idempotency-Key can be repeated across an upgrade.
 */
export function withoutDefaults(todo: NewTodo): Partial<NewTodo> {
  return Object.fromEntries(
    Object.entries(todo).filter(([field, value]) => !(field in DEFAULTS && isDeepStrictEqual(value, DEFAULTS[field]))),
  );
}

/** The operations, each new todo of them without defaults. In the changes of an update, a default value is a change. */
export function batchWithoutDefaults({ operations }: Batch): unknown {
  return {
    operations: operations.map((operation) =>
      operation.op === 'create' ? { ...operation, todo: withoutDefaults(operation.todo) } : operation,
    ),
  };
}
