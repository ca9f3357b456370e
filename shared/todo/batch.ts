import * as z from 'zod';
import { NewTodo, Todo, TodoChanges, TodoId, Version } from './todo.ts';

/** Operations that a batch has at the most. */
const OPERATIONS_AT_MOST = 50;

const version = Version.optional().describe('Refuses the operation when the todo is of another version');

/** One thing to be done. */
export const Operation = z.discriminatedUnion(
  'op',
  [
    z.strictObject({ op: z.literal('create'), todo: NewTodo }),
    z.strictObject({ op: z.literal('update'), id: TodoId, changes: TodoChanges, version }),
    z.strictObject({ op: z.literal('delete'), id: TodoId, version }),
    z.strictObject({ op: z.literal('restore'), id: TodoId, version }),
  ],
  'create, update, delete or restore',
);
export type Operation = z.infer<typeof Operation>;

/** Many things to be done in their order, all or none of them. */
export const Batch = z.strictObject(
  {
    operations: z
      .array(Operation, 'a list of operations')
      .min(1, 'at least one operation')
      .max(OPERATIONS_AT_MOST, `at most ${OPERATIONS_AT_MOST} operations`),
  },
  'a JSON object',
);
export type Batch = z.infer<typeof Batch>;

/** What became of an operation: the status that it would have been answered alone, and the todo as it is now. */
export const OperationResult = z.object({
  status: z.int(),
  id: z.uuid(),
  /** Absent when it was deleted. */
  todo: Todo.optional(),
});
export type OperationResult = z.infer<typeof OperationResult>;

/** The results of a batch, in the order of its operations. */
export const BatchResults = z.object({ results: z.array(OperationResult) });
export type BatchResults = z.infer<typeof BatchResults>;
