import { HttpError } from '../../shared/http/http-error.ts';
import type { Batch, BatchResults, Operation, OperationResult } from '../../shared/todo/batch.ts';
import { TodoNotFoundError, VersionMismatchError } from './todo-errors.ts';
import type { Precondition, TodoList } from './writes/list-in-memory.ts';

/** Why an operation is rejected. */
type Rejection = TodoNotFoundError | VersionMismatchError;

/**
 * Runs the operations of a batch in order. All of them are run even after one is rejected, so that one response names
 * everything that is wrong.
 * @throws {HttpError} `batch_rejected` with a result for each operation when at least one of them is rejected.
 */
export function runBatch(list: TodoList, { operations }: Batch): BatchResults {
  const outcomes: (OperationResult | Rejection)[] = [];
  for (const operation of operations) {
    try {
      outcomes.push(run(list, operation));
    } catch (error) {
      if (!isRejection(error)) throw error;
      outcomes.push(error);
    }
  }
  const results = outcomes.flatMap((outcome) => (isRejection(outcome) ? [] : [outcome]));
  if (results.length === outcomes.length) return { results };
  throw batchRejected(outcomes);
}

function run(list: TodoList, operation: Operation): OperationResult {
  switch (operation.op) {
    case 'create': {
      const todo = list.create(operation.todo);
      return { status: 201, id: todo.id, todo };
    }
    case 'update': {
      const todo = list.update(operation.id, operation.changes, requireVersion(operation.version));
      return { status: 200, id: todo.id, todo };
    }
    case 'delete':
      list.remove(operation.id, requireVersion(operation.version));
      return { status: 200, id: operation.id };
    case 'restore': {
      const todo = list.restore(operation.id, requireVersion(operation.version));
      return { status: 200, id: todo.id, todo };
    }
  }
}

function requireVersion(version: number | undefined): Precondition {
  return (todo) => {
    if (version !== undefined && version !== todo.version) throw new VersionMismatchError('version', todo.version);
  };
}

/** The transaction is rolled back, so an operation that is itself valid gets 424 (RFC 4918 §11.4) and not its own result. */
function batchRejected(outcomes: readonly (OperationResult | Rejection)[]): HttpError {
  const fields = outcomes.flatMap((outcome, index) =>
    isRejection(outcome)
      ? outcome.fields.map(({ field, expected }) => ({ field: `operations.${index}.${field}`, expected }))
      : [],
  );
  const results = outcomes.map((outcome) =>
    isRejection(outcome)
      ? { status: outcome.status, code: outcome.code, detail: outcome.message, ...outcome.members }
      : {
          status: 424,
          code: 'operation_not_executed' as const,
          detail: 'Not applied because another operation of the batch was rejected',
        },
  );
  const rejected = outcomes.filter(isRejection).length;
  return new HttpError(
    'batch_rejected',
    `${rejected} of ${outcomes.length} operations were rejected, so none was executed`,
    { fields, members: { results } },
  );
}

function isRejection(outcome: unknown): outcome is Rejection {
  return outcome instanceof TodoNotFoundError || outcome instanceof VersionMismatchError;
}

/** The ids of the todos that a batch changes, and how many todos it writes. */
export function sizeOf({ operations }: Batch): { ids: string[]; todos: number } {
  const ids = operations.flatMap((operation) => (operation.op === 'create' ? [] : [operation.id]));
  return { ids, todos: operations.length };
}
