import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, ResponseFormat, ShownTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

export const getTodo = defineTool({
  name: 'get_todo',
  title: 'Get a todo',
  description: 'Reads one todo with all its fields. To find an id, use list_todos.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  input: z.strictObject(
    { id: TodoId, response_format: ResponseFormat.optional().describe('Default detailed') },
    'a JSON object',
  ),
  output: ShownTodo,
  run: async ({ id, response_format = 'detailed' }, { todos, signal }) =>
    showTodo(await todos.get(id, { signal }), response_format),
  describe: describeTodo,
});
