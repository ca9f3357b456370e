import Router, { type RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
import { HttpError } from '../../shared/http/errors.ts';
import { parseBody } from '../../shared/http/parse-body.ts';
import type { Challenges } from '../../shared/oauth/challenges.ts';
import { type Authorized, requireScope } from '../../shared/oauth/require-access-token.ts';
import { NewTodo, type Todo, TodoChanges, TodoId } from '../../shared/todo.ts';
import type { Todos } from './todos.ts';

/** The routes of the todos of the access token's subject, below the path of `resource`. */
export function todoRoutes({
  todos,
  resource,
  authenticate,
  challenges,
}: {
  todos: Todos;
  resource: string;
  authenticate: Middleware<Authorized>;
  challenges: Challenges;
}): Router<Authorized> {
  // every route names its guards: a middleware of the whole router is left out when the path's case is another
  const router = new Router<Authorized>({ prefix: new URL(resource).pathname.replace(/\/$/, ''), sensitive: true });
  const mayRead = requireScope('todos:read', challenges);
  const mayWrite = requireScope('todos:write', challenges);

  router.get('/todos', authenticate, mayRead, listTodos);
  router.post<{ body: NewTodo }>('/todos', authenticate, mayWrite, parseBody(NewTodo), createTodo);
  router.get('/todos/:id', authenticate, mayRead, getTodo);
  router.patch<{ body: TodoChanges }>('/todos/:id', authenticate, mayWrite, parseBody(TodoChanges), updateTodo);
  router.put<{ body: TodoChanges }>('/todos/:id', authenticate, mayWrite, parseBody(TodoChanges), updateTodo);
  router.delete('/todos/:id', authenticate, mayWrite, deleteTodo);
  return router;

  async function listTodos(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await todos.list(ctx.state.accessToken.subject);
  }

  async function createTodo(ctx: RouterContext<Authorized & { body: NewTodo }>): Promise<void> {
    const created = await todos.create(ctx.state.accessToken.subject, ctx.state.body);
    ctx.status = 201;
    ctx.set('location', `${resource}/todos/${created.id}`);
    ctx.body = created;
  }

  async function getTodo(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = found(await todos.find(ctx.state.accessToken.subject, todoId(ctx)));
  }

  async function updateTodo(ctx: RouterContext<Authorized & { body: TodoChanges }>): Promise<void> {
    ctx.body = found(await todos.update(ctx.state.accessToken.subject, todoId(ctx), ctx.state.body));
  }

  async function deleteTodo(ctx: RouterContext<Authorized>): Promise<void> {
    if (!(await todos.remove(ctx.state.accessToken.subject, todoId(ctx)))) throw noSuchTodo();
    ctx.body = { message: 'The todo was deleted' };
  }
}

function todoId(ctx: { params: Record<string, string> }): string {
  const { data } = TodoId.safeParse(ctx.params.id);
  // no todo has such an id, so it is as absent as any other
  if (data === undefined)
    throw new HttpError(404, 'id: expected a UUID', { fields: [{ field: 'id', expected: 'a UUID' }] });
  return data;
}

function found(todo: Todo | undefined): Todo {
  if (todo === undefined) throw noSuchTodo();
  return todo;
}

/** Another subject's todo and one that never was are answered alike. */
function noSuchTodo(): HttpError {
  return new HttpError(404, 'There is no todo with this id', {
    fields: [{ field: 'id', expected: 'the id of one of your todos' }],
  });
}
