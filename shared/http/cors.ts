import koaCors from '@koa/cors';
import type { Middleware } from 'koa';

/** The origins whose pages may read the answers: those, or every one. */
export type CorsOrigins = ReadonlySet<string> | '*';

/** What such a page may send and read, beyond what every page may. */
export type CorsNames = {
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
};

/** Seconds that a browser need not ask again. */
const MAX_AGE = 600;

/**
 * Lets pages of `origins` send requests and read the answers (Fetch standard §3.3), and answers their preflight requests,
 * which carry no access token. It stands outside `handleErrors`, so that a page can read a challenge too. Credentials are
 * not allowed: an access token is put into a header by the page, and a browser adds nothing by itself.
 */
export function cors({
  origins,
  methods,
  requestHeaders,
  responseHeaders,
}: CorsNames & { origins: CorsOrigins }): Middleware {
  return koaCors({
    origin: origins === '*' ? '*' : (ctx) => (origins.has(ctx.get('origin')) ? ctx.get('origin') : ''),
    allowMethods: methods.join(', '),
    allowHeaders: requestHeaders.join(', '),
    exposeHeaders: responseHeaders.join(', '),
    maxAge: MAX_AGE,
    keepHeadersOnError: false,
  });
}
