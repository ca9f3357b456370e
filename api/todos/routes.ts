import { hash } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import type { Context, Middleware } from 'koa';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { HttpError } from '../../shared/http/http-error.ts';
import { parseBody } from '../../shared/http/parse-body.ts';
import { parseQuery } from '../../shared/http/parse-query.ts';
import { prefersWait } from '../../shared/http/prefer-wait.ts';
import { chargeForBody } from '../../shared/rate-limit/charge-for-body.ts';
import { limitConcurrentRequests, limitLargeBodies } from '../../shared/rate-limit/limit-concurrent-requests.ts';
import { EXPORTED_PAGE_POINTS, WAIT_POINTS } from '../../shared/rate-limit/points.ts';
import type { RateLimit } from '../../shared/rate-limit/rate-limit.ts';
import type { Challenges } from '../../shared/resource-server/challenge.ts';
import { type Authorized, type Reverify, requireScope } from '../../shared/resource-server/koa.ts';
import { Batch } from '../../shared/todo/batch.ts';
import { ChangeFeedQuery } from '../../shared/todo/change-feed.ts';
import { JSON_LINES } from '../../shared/todo/json-lines.ts';
import { MAX_BATCH_BYTES } from '../../shared/todo/limits.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import { type ImportedTodo, NewTodo, SentTodo, type Todo, TodoId } from '../../shared/todo/todo.ts';
import { type IdempotentRequest, parseIdempotencyKey } from '../idempotency/idempotency.ts';
import type { TodoChangeFeed } from './change-feed/change-feed.ts';
import { exportTodos } from './export-todos.ts';
import { parseTodos } from './parse-todos.ts';
import { entityTag, preconditionOf, requireIfMatch } from './preconditions.ts';
import { splitReadOnlyFields } from './read-only-fields.ts';
import { runBatch, sizeOf } from './run-batch.ts';
import { TodoNotFoundError } from './todo-errors.ts';
import type { Todos } from './todos.ts';
import { batchWithoutDefaults, withoutDefaults } from './without-defaults.ts';
import type { Write } from './writes/grouped-write.ts';

/** Unfinished imports of one subject in one process. Each holds up to 10,000 todos in memory. */
const MAX_CONCURRENT_IMPORTS = 2;

/** Unfinished exports of one subject in one process. Each reads page after page as fast as its client. */
const MAX_CONCURRENT_EXPORTS = 2;

/** Creates the routes below the path of `resource`. They serve the todos of the access token's subject. */
export function todoRoutes({
  todos,
  changeFeed,
  resource,
  authenticate,
  rateLimit,
  reverify,
  challenges,
}: {
  todos: Pick<Todos, 'find' | 'list' | 'count' | 'write' | 'importTodos'>;
  changeFeed: Pick<TodoChangeFeed, 'read'>;
  resource: string;
  authenticate: Middleware<Authorized>;
  rateLimit: RateLimit;
  reverify: Reverify;
  challenges: Challenges;
}): Router<Authorized> {
  // each route names its guards: @koa/router skips a middleware of the whole router when the path differs in case
  const router = new Router<Authorized>({ prefix: new URL(resource).pathname.replace(/\/$/, ''), sensitive: true });
  const requireRead = requireScope('todos:read', challenges);
  const requireWrite = requireScope('todos:write', challenges);
  const charged = chargeForBody(rateLimit);
  const limitExports = limitConcurrentRequests({ max: MAX_CONCURRENT_EXPORTS, unit: 'exports' });
  const limitImports = limitConcurrentRequests({ max: MAX_CONCURRENT_IMPORTS, unit: 'imports' });

  router.get<{ query: TodoListQuery }>('/todos', authenticate, requireRead, parseQuery(TodoListQuery), listTodos);
  router.post<{ body: NewTodo }>('/todos', authenticate, requireWrite, charged(parseBody(NewTodo)), createTodo);
  router.get<{ query: ChangeFeedQuery }>(
    '/todos/changes',
    authenticate,
    requireRead,
    parseQuery(ChangeFeedQuery),
    listChanges,
  );
  router.get('/todos/export', authenticate, requireRead, limitExports, sendExport);
  router.post<{ body: ImportedTodo[] }>(
    '/todos/import',
    authenticate,
    requireWrite,
    limitImports,
    charged(parseTodos, (todos) => ({ lines: todos.length })),
    importTodos,
  );
  router.post<{ body: Batch }>(
    '/todos/batch',
    authenticate,
    requireWrite,
    limitLargeBodies(),
    charged(parseBody(Batch, { limit: MAX_BATCH_BYTES }), ({ operations }) => ({ operations: operations.length })),
    batchTodos,
  );
  router.get('/todos/:id', authenticate, requireRead, getTodo);
  const parseChanges = charged(parseBody(SentTodo));
  router.patch<{ body: SentTodo }>('/todos/:id', authenticate, requireWrite, parseChanges, updateTodo);
  router.put<{ body: SentTodo }>('/todos/:id', authenticate, requireWrite, parseChanges, putTodo);
  router.delete('/todos/:id', authenticate, requireWrite, deleteTodo);
  router.post('/todos/:id/restore', authenticate, requireWrite, restoreTodo);
  return router;

  async function listTodos(ctx: RouterContext<Authorized & { query: TodoListQuery }>): Promise<void> {
    const { query, accessToken } = ctx.state;
    const page = await todos.list(accessToken.subject, query);
    if (query.count) ctx.set('total-count', String(await todos.count(accessToken.subject, query)));
    if (page.next !== undefined) ctx.set('link', `<${pageUrl(ctx.querystring, page.next)}>; rel="next"`);
    const json = `[${page.json.join(',')}]`;
    ctx.type = 'json';
    ctx.body = json;
    answerWithEntityTag(ctx, `"${hash('sha1', json + (page.next ?? ''), 'base64url')}"`);
  }

  /** The URL of the page of the same list that begins at `cursor`. */
  function pageUrl(querystring: string, cursor: string): string {
    const parameters = new URLSearchParams(querystring);
    parameters.set('cursor', cursor);
    return `${resource}/todos?${parameters}`;
  }

  async function createTodo(ctx: RouterContext<Authorized & { body: NewTodo }>): Promise<void> {
    const { body } = ctx.state;
    const idempotency = parseIdempotencyKey(ctx, () => withoutDefaults(body));
    const created = await write(ctx, { ids: [], apply: (list) => list.create(body) }, idempotency);
    ctx.status = 201;
    ctx.set('location', `${resource}/todos/${created.id}`);
    answerTodo(ctx, created);
  }

  async function getTodo(ctx: RouterContext<Authorized>): Promise<void> {
    const todo = await todos.find(ctx.state.accessToken.subject, todoId(ctx));
    if (todo === undefined) throw new TodoNotFoundError();
    requireIfMatch(ctx, todo);
    ctx.body = todo;
    answerWithEntityTag(ctx, entityTag(todo));
  }

  async function updateTodo(ctx: RouterContext<Authorized & { body: SentTodo }>): Promise<void> {
    answerTodo(ctx, await update(ctx));
  }

  async function putTodo(ctx: RouterContext<Authorized & { body: SentTodo }>): Promise<void> {
    // without an ETag: what is stored is not what was sent, so the client has to take the todo from the response (RFC 9110
    // §9.3.4)
    ctx.body = await update(ctx);
  }

  function update(ctx: RouterContext<Authorized & { body: SentTodo }>): Promise<Todo> {
    const [id, { body }] = [todoId(ctx), ctx.state];
    const { changes, requireUnchanged } = splitReadOnlyFields(body);
    const precondition = (todo: Todo) => {
      preconditionOf(ctx)(todo);
      requireUnchanged(todo);
    };
    return write(ctx, { ids: [id], apply: (list) => list.update(id, changes, precondition) });
  }

  async function deleteTodo(ctx: RouterContext<Authorized>): Promise<void> {
    const id = todoId(ctx);
    await write(ctx, { ids: [id], apply: (list) => list.remove(id, preconditionOf(ctx)) });
    ctx.body = { message: 'The todo was deleted' };
  }

  async function restoreTodo(ctx: RouterContext<Authorized>): Promise<void> {
    const id = todoId(ctx);
    answerTodo(ctx, await write(ctx, { ids: [id], apply: (list) => list.restore(id, preconditionOf(ctx)) }));
  }

  async function batchTodos(ctx: RouterContext<Authorized & { body: Batch }>): Promise<void> {
    const { body } = ctx.state;
    const idempotency = parseIdempotencyKey(ctx, () => batchWithoutDefaults(body));
    ctx.body = await write(ctx, { ...sizeOf(body), apply: (list) => runBatch(list, body) }, idempotency);
  }

  /** Writes when the earlier writes of the subject have ended, if the client is still connected and authorized then. */
  function write<State extends Authorized, T>(
    ctx: RouterContext<State>,
    write: Write<T>,
    idempotency?: IdempotentRequest,
  ): Promise<T> {
    return todos.write(ctx.state.accessToken.subject, write, { idempotency, beforeWrite: () => requireClient(ctx) });
  }

  /** Cancels a write that has waited when its client is gone, or its access token is no longer valid. */
  async function requireClient(ctx: { res: Context['res']; state: Authorized }): Promise<void> {
    if (ctx.res.closed)
      throw new HttpError('client_disconnected', 'The client closed the connection before its write began');
    await reverify(ctx);
  }

  async function listChanges(ctx: RouterContext<Authorized & { query: ChangeFeedQuery }>): Promise<void> {
    ctx.vary('prefer');
    if (prefersWait(ctx)) await rateLimit.spend(ctx, WAIT_POINTS);
    const changes = await changeFeed.read(ctx.state.accessToken.subject, ctx.state.query, ctx);
    await reverify(ctx);
    ctx.body = changes;
  }

  async function sendExport(ctx: RouterContext<Authorized>): Promise<void> {
    const { subject } = ctx.state.accessToken;
    // more than are needed: those of the server, the log, the metrics and the limits, and seven with which Koa pipes a stream.
    // Node warns of a leak when there are more than 10
    ctx.res.setMaxListeners(20);
    let points = 0;
    ctx.body = await exportTodos(todos, subject, async () => {
      await reverify(ctx);
      points += EXPORTED_PAGE_POINTS;
      await rateLimit.spend(ctx, points, points - EXPORTED_PAGE_POINTS);
    });
    ctx.type = JSON_LINES;
    ctx.set('content-disposition', 'attachment; filename="todos.jsonl"');
  }

  async function importTodos(ctx: RouterContext<Authorized & { body: ImportedTodo[] }>): Promise<void> {
    const { body } = ctx.state;
    const idempotency = parseIdempotencyKey(ctx, () => body.map(withoutDefaults));
    ctx.body = await todos.importTodos(ctx.state.accessToken.subject, body, {
      idempotency,
      beforeWrite: () => requireClient(ctx),
    });
  }
}

function todoId(ctx: { params: Record<string, string> }): string {
  const { data } = TodoId.safeParse(ctx.params.id);
  // no todo has an id that is not a UUID, so the response is 404 and not 400
  if (data === undefined)
    throw new HttpError('todo_not_found', 'id: expected a UUID', { fields: [{ field: 'id', expected: 'a UUID' }] });
  return data;
}

function answerTodo(ctx: Context, todo: Todo): void {
  ctx.body = todo;
  ctx.etag = entityTag(todo);
}
