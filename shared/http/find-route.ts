import type { Context } from 'koa';

/** The route of a request that no route has matched. */
export const NO_ROUTE = 'other';

/** The methods that are labels. A client can send any of some forty others that Node parses. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Returns the route of a request as the program writes it, such as `/api/v1/todos/:id`, when the request has ended. It never
 * contains what a client sent, so there are few routes.
 * @param paths the paths that no router serves. Each is a route.
 */
export function findRoute(
  ctx: Pick<Context, 'path'> & { readonly _matchedRoute?: unknown },
  paths: ReadonlySet<string>,
): string {
  // the router sets it
  if (typeof ctx._matchedRoute === 'string') return ctx._matchedRoute;
  return paths.has(ctx.path) ? ctx.path : NO_ROUTE;
}

/** The method, or `_OTHER` for one that the services do not serve (as OpenTelemetry names it). */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
