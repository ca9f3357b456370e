import * as z from 'zod';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import { Batch } from '../../shared/todo/batch.ts';
import { MAX_BATCH_OPERATIONS } from '../../shared/todo/limits.ts';
import { TodoChanges, TodoId } from '../../shared/todo/todo.ts';
import { ExpectedVersion } from './expected-version.ts';
import { IdempotencyKey } from './idempotency-key.ts';
import { ConciseTodo, describeTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

/** An operation with the todo's fields beside the others: a model is told of each field once. */
const FlatOperation = TodoChanges.extend({
  op: z.enum(['create', 'update', 'delete', 'restore'], 'create, update, delete or restore'),
  id: TodoId.optional().describe('All but create need it'),
  expected_version: ExpectedVersion.optional(),
});

export const batchTodos = defineTool({
  name: 'batch_todos',
  title: 'Change many todos',
  description:
    'Does up to 50 operations in their order, all or none: create (needs a title), update (changes the fields given), delete, restore. For a single one use its own tool.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  scope: 'todos:write',
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
      for (const { field, expected } of fieldProblems(batch.error, 'operations'))
        ctx.addIssue({ code: 'custom', path: field.split('.').filter((name) => !NESTED.has(name)), message: expected });
      return z.NEVER;
    }),
  output: z.object({
    results: z.array(z.object({ op: z.string(), id: z.string(), todo: ConciseTodo.optional() })),
  }),
  async run({ batch, idempotencyKey }, { todos, signal, progress }) {
    const { operations } = batch;
    await progress?.(0, operations.length, 'Sent to the todo API');
    const { results } = await todos.batch(batch, { signal, idempotencyKey });
    await progress?.(operations.length, operations.length, 'Done');
    return {
      results: results.map(({ id, todo }, index) => ({
        op: operations[index]?.op ?? '',
        id,
        ...(todo && { todo: showTodo(todo) }),
      })),
    };
  },
  describe: ({ results }) =>
    results.map(({ op, id, todo }) => `${op}: ${todo === undefined ? id : describeTodo(todo)}`).join('\n'),
});

/** Where the API has the fields, which the model is not told of. */
const NESTED: ReadonlySet<string> = new Set(['todo', 'changes']);

function toOperation({ op, id, expected_version: version, ...fields }: z.infer<typeof FlatOperation>): unknown {
  switch (op) {
    case 'create':
      // it has neither, and is refused when it is given one: dropping it would make what was not meant
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
