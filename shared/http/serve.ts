import { createServer, type RequestListener } from 'node:http';

/** A server that listens. Disposing it refuses new connections, lets running requests end and then returns. */
export type ListeningServer = AsyncDisposable & { readonly port: number };

/**
 * Listens with `handler`, and resolves once connections are accepted.
 * @param drainFor how many milliseconds running requests are given when the server is disposed.
 * @throws the system's error (EADDRINUSE, EACCES) when the address is not to be had.
 */
export async function serve(
  handler: RequestListener,
  { port, host, drainFor = 10_000 }: { port: number; host: string; drainFor?: number },
): Promise<ListeningServer> {
  let running = 0;
  let ended = () => {};
  const server = createServer((request, response) => {
    running += 1;
    response.once('close', () => {
      running -= 1;
      ended();
    });
    handler(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, drainFor);
        ended = () => {
          if (running > 0) return;
          clearTimeout(deadline);
          resolve();
        };
        ended();
      });
      // what is left are connections without a request, and requests that took too long
      server.closeAllConnections();
      await closed;
    },
  };
}
