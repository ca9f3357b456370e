import * as z from 'zod';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';
import { TodoId } from '../../shared/todo/todo.ts';
import { EXAMPLE_ID } from './example-id.ts';
import { ExpectedVersion } from './input-fields.ts';
import { defineTool } from './tool.ts';

export const deleteTodo = defineTool({
  name: 'delete_todo',
  title: 'Delete a todo',
  description: `Deletes one todo. restore_todo can restore it for ${RETENTION_DAYS} days. To mark it as done, use complete_todo.`,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  example: { id: EXAMPLE_ID },
  input: z.strictObject({ id: TodoId, expected_version: ExpectedVersion.optional() }, 'a JSON object'),
  output: z.object({ deleted: z.string() }),
  async run({ id, expected_version: version }, { todos, signal }) {
    await todos.remove(id, { signal, version });
    return { deleted: id };
  },
  describe: ({ deleted }) => `Deleted the todo ${deleted}. To undo this, call restore_todo.`,
});
