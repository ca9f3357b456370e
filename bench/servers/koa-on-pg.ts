import Koa from 'koa';
import pg from 'pg';
import { serve } from '../../shared/http/serve.ts';
import { bearerRequest } from './bearer-request.ts';
import { OWNER, openTodosDatabase } from './open-todos-database.ts';
import { runContestant } from './run-contestant.ts';

const COLUMNS =
  'id, title, description, completed, completed_at, due_at, due_on, priority, tags, position, version, created_at, updated_at';

// The smallest server that returns the same todos: no guard, no router, no object-relational mapper.
await runContestant(async (resources) => {
  const { url, todoId } = resources.use(await openTodosDatabase());
  const pool = resources.adopt(new pg.Pool({ connectionString: url, max: 10 }), (opened) => opened.end());
  const app = new Koa();
  app.use(async function sendTodos(ctx) {
    const [, id] = ctx.path.split('/api/v1/todos/');
    if (id === undefined) {
      const sql = `select ${COLUMNS} from api.todo where owner = $1 and deleted_at is null order by created_at, id limit 51`;
      ctx.body = (await pool.query(sql, [OWNER])).rows;
    } else {
      const sql = `select ${COLUMNS} from api.todo where id = $1 and owner = $2 and deleted_at is null`;
      ctx.body = (await pool.query(sql, [id, OWNER])).rows[0];
    }
  });
  const { port } = resources.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  const path = process.argv[2] === 'by-id' ? `/api/v1/todos/${todoId}` : '/api/v1/todos';
  // this server ignores the access token; it is sent so that both servers receive as many bytes
  return bearerRequest({ port, path, accessToken: 'x'.repeat(500) });
});
