import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { serve } from '../http/serve.ts';

/** A proxy on 127.0.0.1. Disposing it closes it. */
export type LoopbackProxy = AsyncDisposable & { readonly origin: string };

/**
 * Starts a proxy in front of the server at `target()`. A Host or Origin header that names the proxy is changed to name
 * the server; other values are not changed. `rewriteHeaders` receives the headers of each request and returns those to
 * send; `onStatus` receives the status of each response.
 */
export async function startLoopbackProxy({
  target,
  rewriteHeaders,
  onStatus,
}: {
  target: () => string;
  rewriteHeaders: (headers: IncomingHttpHeaders, path: string) => OutgoingHttpHeaders;
  onStatus?: (status: number) => void;
}): Promise<LoopbackProxy> {
  const server = await serve(
    (incoming, response) => {
      const { origin, host } = new URL(target());
      const path = incoming.url ?? '/';
      const headers = { ...rewriteHeaders(incoming.headers, path) };
      if (headers.host === proxy.host) headers.host = host;
      if (headers.origin === proxy.origin) headers.origin = origin;
      const outgoing = request(new URL(path, origin), { method: incoming.method, headers });
      outgoing.on('response', (received) => {
        onStatus?.(received.statusCode ?? 502);
        response.writeHead(received.statusCode ?? 502, received.headers);
        received.pipe(response);
      });
      // the client sees what the server did: it closed the connection
      outgoing.on('error', () => response.destroy());
      response.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    },
    { port: 0, host: '127.0.0.1', drainFor: 0 },
  );
  const proxy = new URL(`http://127.0.0.1:${server.port}`);
  return { origin: proxy.origin, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
