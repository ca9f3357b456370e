import type { Context } from 'koa';

/** The route of a request that no route has matched. */
export const NO_ROUTE = 'other';

/** The methods that are labels. A client can send any of some forty others that Node parses. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Returns the route of a request as the program writes it, such as `/api/v1/todos/:id`, when the request has ended. It never
 * contains what a client sent, so there are few routes.
 */
export type FindRoute = (ctx: Pick<Context, 'path'> & { readonly _matchedRoute?: unknown }) => string;

/** @param paths the paths that the service serves without a router. Each is a route. */
export function createRouteFinder(paths: readonly string[] = []): FindRoute {
  const routes = new Set(paths);
  return function findRoute({ path, _matchedRoute: matched }) {
    // the router sets it
    if (typeof matched === 'string') return matched;
    return routes.has(path) ? path : NO_ROUTE;
  };
}

/** The method, or `_OTHER` for one that the services do not serve (as OpenTelemetry names it). */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
