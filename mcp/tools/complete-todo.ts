import * as z from 'zod';
import { TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { ConciseTodo, presentTodo } from '../todos/present-todo.ts';
import { EXAMPLE_ID } from './example-id.ts';
import { ExpectedVersion } from './input-fields.ts';
import { defineTool } from './tool.ts';

export const completeTodo = defineTool({
  name: 'complete_todo',
  title: 'Complete a todo',
  description: 'Marks one todo as done, or as open with completed: false. To change other fields, use update_todo.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  example: { id: EXAMPLE_ID },
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
    presentTodo(await todos.update(id, { completed }, { signal, version })),
  describe: (todo) => `${todo.completed ? 'Completed' : 'Reopened'}. ${markAsData([describeTodo(todo)])}`,
});
