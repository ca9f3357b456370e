import { TodoChanges, TodoId } from '../../shared/todo/todo.ts';
import { ExpectedVersion } from './expected-version.ts';
import { ConciseTodo, describeTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

export const updateTodo = defineTool({
  name: 'update_todo',
  title: 'Update a todo',
  description:
    'Changes the fields given of one todo and leaves the others; null clears description, due_at, tags or priority. To mark it done use complete_todo, to remove it delete_todo.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: TodoChanges.extend({ id: TodoId, expected_version: ExpectedVersion.optional() }),
  output: ConciseTodo,
  run: async ({ id, expected_version: version, ...changes }, { todos, signal }) =>
    showTodo(await todos.update(id, changes, { signal, version })),
  describe: (todo) => `Updated: ${describeTodo(todo)}`,
});
