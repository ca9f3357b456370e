import { createServer, type RequestListener, type ServerResponse } from 'node:http';
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

/**
 * How long a server that closes waits for a request on a connection that it has accepted. A proxy sends it at once, and would
 * otherwise get a reset for a request of which it cannot know whether it was begun.
 */
const FIRST_REQUEST_MS = 100;

/** A listening server. Disposing it stops accepting connections and waits for running requests. */
export type ListeningServer = AsyncDisposable & { readonly port: number };

/**
 * Listens with `handler` and resolves once connections are accepted.
 * @param drainFor milliseconds that running requests may take when the server is disposed.
 * @param isStopping whether the process will soon stop. Then each response closes its connection, so that clients which keep
 *   connections open go to another process, and do not send a request on a connection that is about to be closed.
 * @param serversOfProcess the servers of this process, which share its open files.
 * @throws the system's error (EADDRINUSE, EACCES) when it cannot listen on the address.
 */
export async function serve(
  handler: RequestListener,
  {
    port,
    host,
    drainFor = 10_000,
    isStopping = () => false,
    serversOfProcess = 1,
    limits,
    onConnectionRejected,
  }: {
    port: number;
    host: string;
    drainFor?: number;
    isStopping?: () => boolean;
    serversOfProcess?: number | undefined;
    limits?: Partial<ConnectionLimits> | undefined;
    onConnectionRejected?: ReportRejection;
  },
): Promise<ListeningServer> {
  const running = new Set<ServerResponse>();
  let isClosing = false;
  let changed = () => {};
  // a request without Host is rejected by the connection limits: Node would answer it without counting it
  const server = createServer({ requireHostHeader: false, connectionsCheckingInterval: CHECKING_INTERVAL_MS });
  const count: RequestListener = (request, response) => {
    running.add(response);
    changed();
    // a client that sends requests without pause would keep its connection open while the server drains
    if (isClosing || isStopping()) response.shouldKeepAlive = false;
    response.once('close', () => {
      running.delete(response);
      changed();
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
      // a client that waits for a change sends its next request at once
      for (const response of running) if (!response.headersSent) response.shouldKeepAlive = false;
      // closes idle connections, and resolves when no other is left
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, drainFor);
      let quiet: NodeJS.Timeout | undefined;
      changed = () => {
        clearTimeout(quiet);
        if (running.size === 0) quiet = setTimeout(deadline.resolve, FIRST_REQUEST_MS);
      };
      changed();
      await Promise.race([closed, deadline.promise]);
      clearTimeout(timer);
      changed = () => {};
      clearTimeout(quiet);
      // closes connections without a request, and those of requests that did not end within `drainFor`
      server.closeAllConnections();
      await closed;
    },
  };
}
