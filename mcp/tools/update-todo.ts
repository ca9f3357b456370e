import { isDueOnce, ONE_DUE, TodoChanges, TodoId } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { ConciseTodo, presentTodo } from '../todos/present-todo.ts';
import { EXAMPLE_ID } from './example-id.ts';
import { ExpectedVersion } from './input-fields.ts';
import { defineTool } from './tool.ts';

export const updateTodo = defineTool({
  name: 'update_todo',
  title: 'Update a todo',
  description:
    'Changes the given fields of one todo. null clears description, due_at, due_on, tags or priority. To mark it as done, use complete_todo. To remove it, use delete_todo.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  example: { id: EXAMPLE_ID, title: 'Buy oat milk' },
  input: TodoChanges.extend({ id: TodoId, expected_version: ExpectedVersion.optional() }).refine(isDueOnce, {
    path: ['due_on'],
    message: ONE_DUE,
  }),
  output: ConciseTodo,
  run: async ({ id, expected_version: version, ...changes }, { todos, signal }) =>
    presentTodo(await todos.update(id, changes, { signal, version })),
  describe: (todo) => `Updated. ${markAsData([describeTodo(todo)])}`,
});
