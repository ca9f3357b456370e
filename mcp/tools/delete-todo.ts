import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { ExpectedVersion } from './expected-version.ts';
import { defineTool } from './tool.ts';

export const deleteTodo = defineTool({
  name: 'delete_todo',
  title: 'Delete a todo',
  description: 'Deletes one todo; restore_todo brings it back for 30 days. To mark one as done, use complete_todo.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: z.strictObject({ id: TodoId, expected_version: ExpectedVersion.optional() }, 'a JSON object'),
  output: z.object({ deleted: z.string() }),
  async run({ id, expected_version: version }, { todos, signal }) {
    await todos.remove(id, { signal, version });
    return { deleted: id };
  },
  describe: ({ deleted }) => `Deleted the todo ${deleted}. restore_todo brings it back.`,
});
