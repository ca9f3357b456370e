import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { ExpectedVersion } from './expected-version.ts';
import { ConciseTodo, describeTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

export const completeTodo = defineTool({
  name: 'complete_todo',
  title: 'Complete a todo',
  description:
    'Marks one todo as done, or with completed: false as open again. To change anything else use update_todo.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: z.strictObject(
    {
      id: TodoId,
      completed: z.boolean('true or false').default(true),
      expected_version: ExpectedVersion.optional(),
    },
    'a JSON object',
  ),
  output: ConciseTodo,
  run: async ({ id, completed, expected_version: version }, { todos, signal }) =>
    showTodo(await todos.update(id, { completed }, { signal, version })),
  describe: (todo) => `${todo.completed ? 'Completed' : 'Opened again'}: ${describeTodo(todo)}`,
});
