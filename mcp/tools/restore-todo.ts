import * as z from 'zod';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';
import { TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { ConciseTodo, presentTodo } from '../todos/present-todo.ts';
import { EXAMPLE_ID } from './example-id.ts';
import { defineTool } from './tool.ts';

export const restoreTodo = defineTool({
  name: 'restore_todo',
  title: 'Restore a todo',
  description: `Restores a todo deleted in the last ${RETENTION_DAYS} days. To reopen a completed todo, use complete_todo.`,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  example: { id: EXAMPLE_ID },
  input: z.strictObject({ id: TodoId }, 'a JSON object'),
  output: ConciseTodo,
  run: async ({ id }, { todos, signal }) => presentTodo(await todos.restore(id, { signal })),
  describe: (todo) => `Restored. ${markAsData([describeTodo(todo)])}`,
});
