import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { SpanMaker } from './open-telemetry.ts';

/**
 * Creates a `fetch` that makes a span of each request that is sent while a traced request is handled, and sends `traceparent`.
 * Other requests, such as those for status lists, are sent as they are.
 */
export function createTracedFetch(
  { tracer, storage, propagator }: SpanMaker,
  transport: typeof fetch = fetch,
): typeof fetch {
  return async function tracedFetch(input, init) {
    const parent = storage.getStore();
    if (parent === undefined) return transport(input, init);
    const request = input instanceof Request ? input : undefined;
    const method = init?.method ?? request?.method ?? 'GET';
    const { origin, pathname, hostname, port, protocol } = new URL(request?.url ?? String(input));
    const attributes = {
      'http.request.method': method,
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      // without the query, which has what a person searches
      'url.full': `${origin}${pathname}`,
    };
    const span = tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes }, parent);
    const headers = new Headers(init?.headers ?? request?.headers);
    propagator.inject(trace.setSpan(parent, span), headers, {
      set: (carrier: Headers, name: string, value: string) => carrier.set(name, value),
    });
    try {
      const response = await transport(input, { ...init, headers });
      span.setAttribute('http.response.status_code', response.status);
      if (response.status >= 400) fail(String(response.status));
      return response;
    } catch (error) {
      fail(error instanceof Error ? error.name : 'unknown');
      throw error;
    } finally {
      span.end();
    }

    function fail(type: string): void {
      span.setAttribute('error.type', type);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
  };
}
