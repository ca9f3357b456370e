import type { Context, Middleware } from 'koa';
import type * as z from 'zod';
import { InvalidRequestError } from './http-error.ts';
import { parseRequest } from './parse-request.ts';

/**
 * Parses the query with `schema` into `ctx.state.query`. Rejects with 400 and an entry for each parameter that is invalid,
 * unknown or repeated.
 */
export function parseQuery<Query>(schema: z.ZodType<Query>): Middleware<{ query: Query }> {
  return function parseQuery(ctx, next) {
    ctx.state.query = parseRequest(schema, onlyOnce(ctx), 'query');
    return next();
  };
}

function onlyOnce(ctx: Context): Record<string, string> {
  const parameters = Object.entries(ctx.query).map(([name, value]) => {
    if (typeof value !== 'string')
      throw new InvalidRequestError([{ field: name.slice(0, 100), expected: 'to be there once' }]);
    return [name, value] as const;
  });
  return Object.fromEntries(parameters);
}
