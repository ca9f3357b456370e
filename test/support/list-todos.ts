import * as z from 'zod';
import { Todo } from '../../shared/todo/todo.ts';
import type { System, TestClient } from './start-system.ts';

/** Reads all todos of `client` from the API, at most 200. @throws when it has more. */
export async function listTodos(system: System, client: TestClient): Promise<Todo[]> {
  const authorization = `Bearer ${await system.getAccessToken(client)}`;
  const response = await fetch(`${system.apiResource}/todos?limit=200&count=true`, { headers: { authorization } });
  const todos = z.array(Todo).parse(await response.json());
  const total = response.headers.get('total-count');
  if (total !== String(todos.length)) throw new Error(`the API sent ${todos.length} of ${total} todos`);
  return todos;
}
