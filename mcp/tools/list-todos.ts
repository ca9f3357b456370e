import * as z from 'zod';
import { Todo } from '../../shared/todo.ts';
import { defineTool, describeTodo } from './tool.ts';

export const listTodos = defineTool({
  name: 'list_todos',
  title: 'List todos',
  description:
    'Lists every todo, the oldest first, with the ids that the other tools need. For one whose id is known, use get_todo.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  input: z.strictObject({}, 'a JSON object'),
  output: z.object({ todos: z.array(Todo) }),
  run: async (_input, { todos, signal }) => ({ todos: await todos.list({ signal }) }),
  describe: ({ todos }) => (todos.length === 0 ? 'There are no todos.' : todos.map(describeTodo).join('\n')),
});
