import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { PresentedTodo, presentTodo, ResponseFormat } from '../todos/present-todo.ts';
import { EXAMPLE_ID } from './example-id.ts';
import { defineTool } from './tool.ts';

export const getTodo = defineTool({
  name: 'get_todo',
  title: 'Get a todo',
  description: 'Reads one todo with all fields. To find an id, use list_todos.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  example: { id: EXAMPLE_ID },
  input: z.strictObject(
    { id: TodoId, response_format: ResponseFormat.optional().describe('Default detailed') },
    'a JSON object',
  ),
  output: PresentedTodo,
  run: async ({ id, response_format = 'detailed' }, { todos, signal }) =>
    presentTodo(await todos.get(id, { signal }), response_format),
  describe: (todo) => markAsData([describeTodo(todo)]),
});
