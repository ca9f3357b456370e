import { NewTodo, Todo } from '../../shared/todo.ts';
import { defineTool, describeTodo } from './tool.ts';

export const createTodo = defineTool({
  name: 'create_todo',
  title: 'Create a todo',
  description: 'Adds one todo to the list. To change one that exists, use update_todo.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  scope: 'todos:write',
  input: NewTodo,
  output: Todo,
  run: (todo, { todos, signal }) => todos.create(todo, { signal }),
  describe: (todo) => `Created: ${describeTodo(todo)}`,
});
