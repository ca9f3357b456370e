import { Todo, TodoChanges, TodoId } from '../../shared/todo.ts';
import { defineTool, describeTodo } from './tool.ts';

export const updateTodo = defineTool({
  name: 'update_todo',
  title: 'Update a todo',
  description:
    'Changes the fields that are given of one todo and leaves the others; completed: true marks it done, description: null clears that. To remove a todo, use delete_todo.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'todos:write',
  input: TodoChanges.extend({ id: TodoId }),
  output: Todo,
  run: ({ id, ...changes }, { todos, signal }) => todos.update(id, changes, { signal }),
  describe: (todo) => `Updated: ${describeTodo(todo)}`,
});
