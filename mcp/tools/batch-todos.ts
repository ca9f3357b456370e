import * as z from 'zod';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import { Batch } from '../../shared/todo/batch.ts';
import { MAX_BATCH_OPERATIONS } from '../../shared/todo/limits.ts';
import { TodoChanges, TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { ConciseTodo, presentTodo } from '../todos/present-todo.ts';
import { ExpectedVersion, IdempotencyKey } from './input-fields.ts';
import { defineTool } from './tool.ts';

/** An operation of any kind, with the fields of the todo beside the others: the schema lists each field only once. */
const FlatOperation = TodoChanges.extend({
  op: z.enum(['create', 'update', 'delete', 'restore'], 'create, update, delete or restore'),
  id: TodoId.optional().describe('Not for create'),
  expected_version: ExpectedVersion.optional(),
});

export const batchTodos = defineTool({
  name: 'batch_todos',
  title: 'Change many todos',
  description: `Runs up to ${MAX_BATCH_OPERATIONS} operations in order, all or none. create needs a title. update changes the given fields. To change one todo, use its own tool.`,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  scope: 'todos:write',
  reportsProgress: true,
  example: { operations: [{ op: 'create', title: 'Buy milk' }] },
  input: z
    .strictObject(
      {
        operations: z
          .array(FlatOperation, 'a list of operations')
          .min(1, 'at least one operation')
          .max(MAX_BATCH_OPERATIONS, `at most ${MAX_BATCH_OPERATIONS} operations`),
        idempotency_key: IdempotencyKey.optional(),
      },
      'a JSON object',
    )
    .transform(({ operations, idempotency_key: idempotencyKey }, ctx) => {
      const batch = Batch.safeParse({ operations: operations.map(toOperation) });
      if (batch.success) return { batch: batch.data, idempotencyKey };
      for (const { field, expected } of fieldProblems(batch.error, 'operations')) {
        const path = field.split('.').filter((name) => !NESTING_MEMBERS.has(name));
        ctx.addIssue({ code: 'custom', path, message: expected });
      }
      return z.NEVER;
    }),
  output: z.object({
    results: z.array(z.object({ op: z.string(), id: z.string(), todo: ConciseTodo.optional() })),
  }),
  async run({ batch, idempotencyKey }, { todos, signal, reportProgress }) {
    const { operations } = batch;
    await reportProgress?.(0, operations.length, 'Sent to the todo API');
    const { results } = await todos.batch(batch, { signal, idempotencyKey });
    await reportProgress?.(operations.length, operations.length, 'Done');
    return {
      results: results.map(({ id, todo }, index) => ({
        op: operations[index]?.op ?? '',
        id,
        ...(todo && { todo: presentTodo(todo) }),
      })),
    };
  },
  describe: ({ results }) =>
    markAsData(results.map(({ op, id, todo }) => `${op}: ${todo === undefined ? id : describeTodo(todo)}`)),
});

/** The members of an API operation that hold the fields of the todo. Paths in errors leave them out. */
const NESTING_MEMBERS: ReadonlySet<string> = new Set(['todo', 'changes']);

function toOperation({ op, id, expected_version: version, ...fields }: z.infer<typeof FlatOperation>): unknown {
  switch (op) {
    case 'create':
      // both are passed on so that the schema rejects them: dropping them would create a todo that was not meant
      return {
        op,
        todo: fields,
        ...(id !== undefined && { id }),
        ...(version !== undefined && { expected_version: version }),
      };
    case 'update':
      return { op, id, changes: fields, version };
    case 'delete':
    case 'restore':
      return { op, id, version, ...fields };
  }
}
