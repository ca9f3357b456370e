import * as z from 'zod';
import { Todo, TodoId } from '../../shared/todo.ts';
import { defineTool, describeTodo } from './tool.ts';

export const getTodo = defineTool({
  name: 'get_todo',
  title: 'Get a todo',
  description: 'Reads one todo with its description. To find an id, use list_todos.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  input: z.strictObject({ id: TodoId }, 'a JSON object'),
  output: Todo,
  run: ({ id }, { todos, signal }) => todos.get(id, { signal }),
  describe: (todo) => [describeTodo(todo), todo.description].filter(Boolean).join('\n'),
});
