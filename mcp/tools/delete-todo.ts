import * as z from 'zod';
import { TodoId } from '../../shared/todo.ts';
import { defineTool } from './tool.ts';

export const deleteTodo = defineTool({
  name: 'delete_todo',
  title: 'Delete a todo',
  description: 'Deletes one todo for good. To mark one as done, use update_todo with completed: true.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: z.strictObject({ id: TodoId }, 'a JSON object'),
  output: z.object({ deleted: TodoId }),
  async run({ id }, { todos, signal }) {
    await todos.remove(id, { signal });
    return { deleted: id };
  },
  describe: ({ deleted }) => `Deleted the todo ${deleted}.`,
});
