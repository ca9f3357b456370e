import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { serve } from '../http/serve.ts';

/** A proxy on 127.0.0.1. Disposing it closes it. */
export type LoopbackProxy = AsyncDisposable & { readonly origin: string };

/**
 * Starts a proxy in front of the server of `target()`, for which its own Host and Origin become the server's; any other
 * passes as it was sent. `rewrite` sees the headers of every request and may say others, `observe` the status of every answer.
 */
export async function startLoopbackProxy({
  target,
  rewrite,
  observe,
}: {
  target: () => string;
  rewrite: (headers: IncomingHttpHeaders) => OutgoingHttpHeaders;
  observe?: (status: number) => void;
}): Promise<LoopbackProxy> {
  const server = await serve(
    (incoming, answer) => {
      const { origin, host } = new URL(target());
      const sent = { ...rewrite(incoming.headers) };
      if (sent.host === own.host) sent.host = host;
      if (sent.origin === own.origin) sent.origin = origin;
      const outgoing = request(new URL(incoming.url ?? '/', origin), { method: incoming.method, headers: sent });
      outgoing.on('response', (response) => {
        observe?.(response.statusCode ?? 502);
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      });
      // whoever asked sees what the server did: the connection is gone
      outgoing.on('error', () => answer.destroy());
      answer.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    },
    { port: 0, host: '127.0.0.1', drainFor: 0 },
  );
  const own = new URL(`http://127.0.0.1:${server.port}`);
  return { origin: own.origin, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
