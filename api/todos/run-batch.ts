import { HttpError } from '../../shared/http/http-error.ts';
import type { Batch, BatchResults, Operation, OperationResult } from '../../shared/todo/batch.ts';
import { otherVersion } from './todo-errors.ts';
import type { Precondition, TodoWriter } from './todo-writer.ts';

/** Does every operation of a batch in its order. @throws a 422 with a result for each when one of them is refused. */
export async function runBatch(writer: TodoWriter, { operations }: Batch): Promise<BatchResults> {
  const outcomes: (OperationResult | HttpError)[] = [];
  for (const operation of operations) {
    try {
      outcomes.push(await run(writer, operation));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // the others are tried all the same, so that all that is wrong is told at once
      outcomes.push(error);
    }
  }
  const results = outcomes.flatMap((outcome) => (outcome instanceof HttpError ? [] : [outcome]));
  if (results.length === outcomes.length) return { results };
  throw refusalOf(outcomes);
}

async function run(writer: TodoWriter, operation: Operation): Promise<OperationResult> {
  switch (operation.op) {
    case 'create': {
      const todo = await writer.create(operation.todo);
      return { status: 201, id: todo.id, todo };
    }
    case 'update': {
      const todo = await writer.update(operation.id, operation.changes, expects(operation.version));
      return { status: 200, id: todo.id, todo };
    }
    case 'delete':
      await writer.remove(operation.id, expects(operation.version));
      return { status: 200, id: operation.id };
    case 'restore': {
      const todo = await writer.restore(operation.id, expects(operation.version));
      return { status: 200, id: todo.id, todo };
    }
  }
}

function expects(version: number | undefined): Precondition {
  return (current) => {
    if (version !== undefined && version !== current) throw otherVersion('version', current);
  };
}

/** Nothing was done, so what could have been is not told as done: 424 (RFC 4918 §11.4). */
function refusalOf(outcomes: readonly (OperationResult | HttpError)[]): HttpError {
  const refused = outcomes.flatMap((outcome, index) => (outcome instanceof HttpError ? [{ outcome, index }] : []));
  const results = outcomes.map((outcome) =>
    outcome instanceof HttpError
      ? { status: outcome.status, code: outcome.code, detail: outcome.message, ...outcome.members }
      : { status: 424, code: 'operation_not_executed', detail: 'Not executed because another operation was rejected' },
  );
  return new HttpError(
    'batch_rejected',
    `${refused.length} of ${outcomes.length} operations were rejected, so none was executed`,
    {
      fields: refused.flatMap(({ outcome, index }) =>
        outcome.fields.map(({ field, expected }) => ({ field: `operations.${index}.${field}`, expected })),
      ),
      members: { results },
    },
  );
}
