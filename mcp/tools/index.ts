import { batchTodos } from './batch-todos.ts';
import { completeTodo } from './complete-todo.ts';
import { createTodo } from './create-todo.ts';
import { deleteTodo } from './delete-todo.ts';
import { getTodo } from './get-todo.ts';
import { importTodos } from './import-todos.ts';
import { listTodos } from './list-todos.ts';
import { restoreTodo } from './restore-todo.ts';
import type { Tool } from './tool.ts';
import { updateTodo } from './update-todo.ts';

/** Every tool, in the order of its listing. */
export const tools: readonly Tool[] = [
  listTodos,
  getTodo,
  createTodo,
  updateTodo,
  completeTodo,
  deleteTodo,
  restoreTodo,
  batchTodos,
  importTodos,
];
