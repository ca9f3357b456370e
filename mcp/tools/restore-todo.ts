import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { ConciseTodo, describeTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

export const restoreTodo = defineTool({
  name: 'restore_todo',
  title: 'Restore a todo',
  description: 'Brings back a todo that delete_todo deleted in the last 30 days, as it was.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: z.strictObject({ id: TodoId }, 'a JSON object'),
  output: ConciseTodo,
  run: async ({ id }, { todos, signal }) => showTodo(await todos.restore(id, { signal })),
  describe: (todo) => `Restored: ${describeTodo(todo)}`,
});
