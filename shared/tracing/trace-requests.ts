import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Middleware } from 'koa';
import { type FindRoute, methodLabel, NO_ROUTE } from '../http/find-route.ts';
import { requestId } from '../http/request-id.ts';
import type { SpanMaker } from './open-telemetry.ts';

/** Requests of a machine that watches the service. A span of each would hide the others. */
const NOT_TRACED = /^\/(metrics|health\/.*)$/;

/**
 * Creates middleware that makes a span of each request, in the trace that its client has begun (W3C Trace Context). The span
 * has the route and not the path, because a path can have a secret, such as a one-time link.
 */
export function traceRequests({ tracer, storage, propagator }: SpanMaker, findRoute: FindRoute): Middleware {
  return function traceRequest(ctx, next) {
    if (NOT_TRACED.test(ctx.path)) return next();
    const method = methodLabel(ctx.method);
    const parent = propagator.extract(ROOT_CONTEXT, ctx.req.headers, defaultTextMapGetter);
    const attributes = { 'http.request.method': method, 'url.scheme': ctx.protocol };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    ctx.state.traceId = span.spanContext().traceId;
    ctx.res.once('close', () => {
      const route = findRoute(ctx);
      if (route !== NO_ROUTE) {
        span.updateName(`${method} ${route}`);
        span.setAttribute('http.route', route);
      }
      span.setAttribute('yata.request_id', requestId(ctx));
      if (ctx.res.writableFinished) span.setAttribute('http.response.status_code', ctx.status);
      const error = ctx.res.writableFinished ? String(ctx.status) : 'aborted';
      if (!ctx.res.writableFinished || ctx.status >= 500) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    });
    return storage.run(trace.setSpan(parent, span), next);
  };
}
