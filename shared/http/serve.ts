import { createServer, type RequestListener } from 'node:http';
import {
  type ConnectionLimits,
  DEFAULT_CONNECTION_LIMITS,
  limitConnections,
  type ReportRejection,
} from './connection-limits.ts';
import { countAllowedConnections } from './open-files.ts';
import { normalizeRequestTarget } from './request-target.ts';

/** Connections that may wait to be accepted. The operating system has a limit of its own, on Linux 4096. */
const BACKLOG = 4096;

/** How often Node looks for connections that exceed the times for the header section and for the whole request. */
const CHECKING_INTERVAL_MS = 1_000;

/** A listening server. Disposing it stops accepting connections and waits for running requests. */
export type ListeningServer = AsyncDisposable & { readonly port: number };

/**
 * Listens with `handler` and resolves once connections are accepted.
 * @param drainFor milliseconds that running requests may take when the server is disposed.
 * @param serversOfProcess the servers of this process, which share its open files.
 * @throws the system's error (EADDRINUSE, EACCES) when it cannot listen on the address.
 */
export async function serve(
  handler: RequestListener,
  {
    port,
    host,
    drainFor = 10_000,
    serversOfProcess = 1,
    limits,
    onConnectionRejected,
  }: {
    port: number;
    host: string;
    drainFor?: number;
    serversOfProcess?: number | undefined;
    limits?: Partial<ConnectionLimits> | undefined;
    onConnectionRejected?: ReportRejection;
  },
): Promise<ListeningServer> {
  let running = 0;
  let isClosing = false;
  let ended = () => {};
  // a request without Host is rejected by the connection limits: Node would answer it without counting it
  const server = createServer({ requireHostHeader: false, connectionsCheckingInterval: CHECKING_INTERVAL_MS });
  const count: RequestListener = (request, response) => {
    running += 1;
    // a client that sends requests without pause would keep its connection open while the server drains
    if (isClosing) response.shouldKeepAlive = false;
    response.once('close', () => {
      running -= 1;
      ended();
      if (isClosing) request.socket.end();
    });
    if (normalizeRequestTarget(request)) handler(request, response);
    else
      response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' }).end('Malformed request target\n');
  };
  const maxConnections = Math.min(DEFAULT_CONNECTION_LIMITS.maxConnections, countAllowedConnections(serversOfProcess));
  limitConnections(server, count, { ...DEFAULT_CONNECTION_LIMITS, maxConnections, ...limits }, onConnectionRejected);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async [Symbol.asyncDispose]() {
      isClosing = true;
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
      // closes idle connections, and those of requests that did not end within `drainFor`
      server.closeAllConnections();
      await closed;
    },
  };
}
