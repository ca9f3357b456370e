import * as z from 'zod';
import { MAX_BATCH_OPERATIONS } from './limits.ts';
import { isDueOnce, NewTodo, ONE_DUE, Todo, TodoChanges, TodoId, Version } from './todo.ts';

const version = Version.optional().describe('The operation is rejected when the todo has another version');

/** One operation of a batch. */
export const Operation = z.discriminatedUnion(
  'op',
  [
    z.strictObject({ op: z.literal('create'), todo: NewTodo }),
    z.strictObject({
      op: z.literal('update'),
      id: TodoId,
      changes: TodoChanges.refine(isDueOnce, { path: ['due_on'], message: ONE_DUE }),
      version,
    }),
    z.strictObject({ op: z.literal('delete'), id: TodoId, version }),
    z.strictObject({ op: z.literal('restore'), id: TodoId, version }),
  ],
  'create, update, delete or restore',
);
export type Operation = z.infer<typeof Operation>;

/** Operations that are executed in order, either all of them or none. */
export const Batch = z.strictObject(
  {
    operations: z
      .array(Operation, 'a list of operations')
      .min(1, 'at least one operation')
      .max(MAX_BATCH_OPERATIONS, `at most ${MAX_BATCH_OPERATIONS} operations`),
  },
  'a JSON object',
);
export type Batch = z.infer<typeof Batch>;

/** The result of one operation: the status that the operation has as a request of its own, and the todo after it. */
export const OperationResult = z.object({
  status: z.int(),
  id: z.uuid(),
  /** Absent after a delete. */
  todo: Todo.optional(),
});
export type OperationResult = z.infer<typeof OperationResult>;

/** The results of a batch, in the order of its operations. */
export const BatchResults = z.object({ results: z.array(OperationResult) });
export type BatchResults = z.infer<typeof BatchResults>;
