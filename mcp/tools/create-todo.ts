import { NewTodo } from '../../shared/todo/todo.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { ConciseTodo, presentTodo } from '../todos/present-todo.ts';
import { IdempotencyKey } from './input-fields.ts';
import { defineTool } from './tool.ts';

export const createTodo = defineTool({
  name: 'create_todo',
  title: 'Create a todo',
  description: 'Creates one todo. To create several, use batch_todos. To change a todo, use update_todo.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  scope: 'todos:write',
  example: { title: 'Buy milk' },
  input: NewTodo.extend({ idempotency_key: IdempotencyKey.optional() }),
  output: ConciseTodo,
  run: async ({ idempotency_key: idempotencyKey, ...todo }, { todos, signal }) =>
    presentTodo(await todos.create(todo, { signal, idempotencyKey })),
  describe: (todo) => `Created. ${markAsData([describeTodo(todo)])}`,
});
