import koaCors from '@koa/cors';
import type { Middleware } from 'koa';

/** The origins whose pages may read the responses; `*` for every origin. */
export type CorsOrigins = ReadonlySet<string> | '*';

/** The methods and headers that such a page may send and read, beyond those that the Fetch standard always allows. */
export type CorsNames = {
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
};

/** How long a browser may cache the answer to a preflight request. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of `origins` send requests and read the responses (Fetch standard §3.3), and answers their preflight
 * requests, which carry no access token. Mount it outside `handleErrors`, so that a page can also read a challenge.
 * Credentials are not allowed: the page itself sets the Authorization header, and the browser adds no cookie.
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
    maxAge: MAX_AGE_SECONDS,
    keepHeadersOnError: false,
  });
}
