import { NewTodo } from '../../shared/todo/todo.ts';
import { IdempotencyKey } from './idempotency-key.ts';
import { ConciseTodo, describeTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

export const createTodo = defineTool({
  name: 'create_todo',
  title: 'Create a todo',
  description: 'Adds one todo. For several at once use batch_todos; to change one that exists, update_todo.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  scope: 'todos:write',
  input: NewTodo.extend({ idempotency_key: IdempotencyKey.optional() }),
  output: ConciseTodo,
  run: async ({ idempotency_key: idempotencyKey, ...todo }, { todos, signal }) =>
    showTodo(await todos.create(todo, { signal, idempotencyKey })),
  describe: (todo) => `Created: ${describeTodo(todo)}`,
});
