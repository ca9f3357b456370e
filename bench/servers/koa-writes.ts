import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';
import Koa from 'koa';
import pg from 'pg';
import { serve } from '../../shared/http/serve.ts';
import { searchWords } from '../../shared/todo/search-words.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { openTodosDatabase } from './open-todos-database.ts';
import { runContestant } from './run-contestant.ts';
import { ownerNames, writeRequest } from './write-request.ts';

// The smallest server that writes the same rows as the todo API, with one prepared statement and one commit for each request:
// no guard, no checks of the body, no lock of the list. The argument is `create` or `update`.

const OWNERS = 20;

const LIST = `insert into api.todo_list (owner, sequence, changed_at, todos, bytes, change_bytes) values ($1, 1, now(), $16, $17, $18)
  on conflict (owner) do update set sequence = todo_list.sequence + 1, changed_at = now(), todos = todo_list.todos + $16,
    bytes = todo_list.bytes + $17, change_bytes = todo_list.change_bytes + $18
  returning sequence`;

const CHANGE = `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
  select $1, list.sequence, $19, $2, $11, $20, $14 from list`;

const CREATE = `with list as (${LIST}), created as (
    insert into api.todo (owner, id, title, description, completed, completed_at, due_at, priority, tags, position, version,
      words, created_at, updated_at, deleted_at, due_on)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $21)
  ) ${CHANGE}`;

const UPDATE = `with list as (${LIST}), updated as (
    update api.todo set title = $3, description = $4, completed = $5, completed_at = $6, due_at = $7, priority = $8, tags = $9,
      position = $10, version = $11, words = $12, created_at = $13, updated_at = $14, deleted_at = $15, due_on = $21
    where owner = $1 and id = $2
  ) ${CHANGE}`;

await runContestant(async (resources) => {
  const { url } = resources.use(await openTodosDatabase());
  const pool = resources.adopt(new pg.Pool({ connectionString: url, max: 10 }), (opened) => opened.end());
  const todos = new Map<string, Todo>();
  const app = new Koa();
  app.use(async function writeTodo(ctx) {
    const owner = ctx.get('authorization').split(' ')[1] ?? '';
    const sent: Partial<Todo> = Object(await json(ctx.req));
    const id = ctx.path.split('/todos/')[1];
    const now = new Date().toISOString();
    const before = id === undefined ? undefined : todos.get(id);
    const todo: Todo = {
      ...{
        description: null,
        completed: false,
        completed_at: null,
        due_at: null,
        due_on: null,
        priority: 4,
        tags: [],
        title: '',
      },
      ...{ position: Date.now(), created_at: now },
      ...before,
      ...sent,
      ...{ id: id ?? randomUUID(), version: (before?.version ?? 0) + 1, updated_at: now },
    };
    todos.set(todo.id, todo);
    await pool.query({
      ...(before === undefined ? { name: 'create', text: CREATE } : { name: 'update', text: UPDATE }),
      values: valuesOf(owner, todo, before === undefined ? 'created' : 'updated'),
    });
    ctx.status = before === undefined ? 201 : 200;
    ctx.body = todo;
  });
  const { port } = resources.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  // this server reads the owner in place of an access token, which is padded so that both servers receive as many bytes
  return writeRequest({
    port,
    kind: process.argv[2] === 'update' ? 'update' : 'create',
    accessTokens: ownerNames(OWNERS).map((owner) => `${owner} ${'x'.repeat(500)}`),
  });
});

function valuesOf(owner: string, todo: Todo, change: 'created' | 'updated'): unknown[] {
  const words = searchWords(`${todo.title} ${todo.description ?? ''}`);
  const text = JSON.stringify(todo);
  return [
    ...[owner, todo.id, todo.title, todo.description, todo.completed, todo.completed_at, todo.due_at, todo.priority],
    ...[todo.tags, todo.position, todo.version, words.map((word) => `'${word}'`).join(' '), todo.created_at],
    ...[todo.updated_at, null, change === 'created' ? 1 : 0, todo.title.length, text.length, change, text, todo.due_on],
  ];
}
