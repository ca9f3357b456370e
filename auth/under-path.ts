import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';

/** Handles every request at `path` or below it with the middleware that `mount` adds. Other requests skip that middleware. */
export function underPath(path: string, mount: (app: Koa) => void): Middleware {
  const app = new Koa();
  mount(app);
  const handle = compose(app.middleware);
  return function underPath(ctx, next) {
    return ctx.path === path || ctx.path.startsWith(`${path}/`) ? handle(ctx) : next();
  };
}
