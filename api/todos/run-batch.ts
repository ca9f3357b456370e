import { HttpError } from '../../shared/http/http-error.ts';
import type { Batch, BatchResults, Operation, OperationResult } from '../../shared/todo/batch.ts';
import { VersionMismatchError } from './todo-errors.ts';
import type { Precondition, TodoWriter } from './todo-writer.ts';

/**
 * Runs the operations of a batch in order. All of them are run even after one is rejected, so that one response names
 * everything that is wrong.
 * @throws {HttpError} `batch_rejected` with a result for each operation when at least one of them is rejected.
 */
export async function runBatch(writer: TodoWriter, { operations }: Batch): Promise<BatchResults> {
  const outcomes: (OperationResult | HttpError)[] = [];
  for (const operation of operations) {
    try {
      outcomes.push(await run(writer, operation));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      outcomes.push(error);
    }
  }
  const results = outcomes.flatMap((outcome) => (outcome instanceof HttpError ? [] : [outcome]));
  if (results.length === outcomes.length) return { results };
  throw batchRejected(outcomes);
}

async function run(writer: TodoWriter, operation: Operation): Promise<OperationResult> {
  switch (operation.op) {
    case 'create': {
      const todo = await writer.create(operation.todo);
      return { status: 201, id: todo.id, todo };
    }
    case 'update': {
      const todo = await writer.update(operation.id, operation.changes, requireVersion(operation.version));
      return { status: 200, id: todo.id, todo };
    }
    case 'delete':
      await writer.remove(operation.id, requireVersion(operation.version));
      return { status: 200, id: operation.id };
    case 'restore': {
      const todo = await writer.restore(operation.id, requireVersion(operation.version));
      return { status: 200, id: todo.id, todo };
    }
  }
}

function requireVersion(version: number | undefined): Precondition {
  return (current) => {
    if (version !== undefined && version !== current) throw new VersionMismatchError('version', current);
  };
}

/** The transaction is rolled back, so an operation that is itself valid gets 424 (RFC 4918 §11.4) and not its own result. */
function batchRejected(outcomes: readonly (OperationResult | HttpError)[]): HttpError {
  const rejected = outcomes.flatMap((outcome, index) => (outcome instanceof HttpError ? [{ outcome, index }] : []));
  const results = outcomes.map((outcome) =>
    outcome instanceof HttpError
      ? { status: outcome.status, code: outcome.code, detail: outcome.message, ...outcome.members }
      : { status: 424, code: 'operation_not_executed', detail: 'Not executed because another operation was rejected' },
  );
  return new HttpError(
    'batch_rejected',
    `${rejected.length} of ${outcomes.length} operations were rejected, so none was executed`,
    {
      fields: rejected.flatMap(({ outcome, index }) =>
        outcome.fields.map(({ field, expected }) => ({ field: `operations.${index}.${field}`, expected })),
      ),
      members: { results },
    },
  );
}
