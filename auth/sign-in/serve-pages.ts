import type Router from '@koa/router';
import type { Middleware } from 'koa';
import compose from 'koa-compose';
import type { Logger } from 'pino';
import { serveAssets } from '../pages/assets.ts';
import { handlePageErrors } from './handle-page-errors.ts';

const PAGES = /^\/(interaction|welcome|sign-in|sign-out|account|assets)(\/|$)/;

/** Serves the pages for persons. Other requests go on. */
export function servePages({ routers, logger }: { routers: readonly Router[]; logger: Logger }): Middleware {
  const handle = compose([
    handlePageErrors(logger),
    serveAssets,
    ...routers.flatMap((router) => [router.routes(), router.allowedMethods()]),
  ] as Middleware[]);
  return function servePages(ctx, next) {
    return PAGES.test(ctx.path) ? handle(ctx, async () => undefined) : next();
  };
}
