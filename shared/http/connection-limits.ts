import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { createRequestScheduler } from './request-scheduler.ts';
import type { IsTrustedProxy } from './trusted-proxies.ts';

/** What one connection may use of a server. Times are in milliseconds. */
export type ConnectionLimits = {
  /** Requests of one connection that are not answered yet. A client that pipelines more is disconnected. */
  readonly maxUnansweredRequests: number;
  /** How long a response may make no progress because the client does not read it. */
  readonly stallTimeout: number;
  /** How long a connection without a request stays open. Longer than a load balancer keeps one, so that the server never
   * closes a connection on which a request is already on its way. */
  readonly keepAlive: number;
  /** How long a client may take to send the header section, and the whole request. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  /** Open connections. One address may have a quarter of them, unless it is a trusted proxy. */
  readonly maxConnections: number;
  readonly isTrustedProxy: IsTrustedProxy | undefined;
};

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxUnansweredRequests: 20,
  stallTimeout: 30_000,
  keepAlive: 65_000,
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  maxConnections: 20_000,
  isTrustedProxy: undefined,
};

/** The state of a connection: its unanswered requests, of which the first is handled and the others wait for it. */
type Connection = { readonly address: string; readonly unanswered: (() => void)[] };

/**
 * Limits what each connection of `server` may use. Without such limits a client without an access token can exhaust the
 * memory: by pipelining requests, by not reading responses, or by opening connections. Pipelined requests are handled one
 * after another, so a connection holds one response at most. Requests with different access tokens or client credentials
 * begin by turns, and those without from different addresses.
 * @returns the listener of the server's requests, which calls `handle` for each request that is handled.
 */
export function limitConnections(
  server: Server,
  handle: RequestListener,
  {
    maxUnansweredRequests,
    stallTimeout,
    keepAlive,
    headersTimeout,
    requestTimeout,
    maxConnections,
    isTrustedProxy = () => false,
  }: ConnectionLimits,
): RequestListener {
  server.keepAliveTimeout = keepAlive;
  server.headersTimeout = headersTimeout;
  server.requestTimeout = requestTimeout;
  server.timeout = stallTimeout;
  const maxPerAddress = Math.max(1, Math.floor(maxConnections / 4));
  // in the order in which they became idle: the first is the oldest connection without a request
  const idle = new Set<Socket>();
  const connections = new Map<Socket, Connection>();
  const schedule = createRequestScheduler();
  const perAddress = new Map<string, Set<Socket>>();

  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const ofAddress = perAddress.get(address) ?? new Set<Socket>();
    const crowded = ofAddress.size >= maxPerAddress && !isTrustedProxy(address, 0);
    if (crowded && !closeOldestIdle(ofAddress)) {
      socket.destroy();
      return;
    }
    if (connections.size >= maxConnections && !closeOldestIdle(idle)) {
      socket.destroy();
      return;
    }
    const unanswered: Connection['unanswered'] = [];
    connections.set(socket, { address, unanswered });
    idle.add(socket);
    perAddress.set(address, ofAddress.add(socket));
    socket.once('close', () => forget(socket));
    stopParsingWhen(() => unanswered.length >= maxUnansweredRequests, socket);
  });

  // Node calls this when a socket had no activity for `server.timeout`, or for `keepAlive` after a response
  server.on('timeout', (socket) => {
    const unanswered = connections.get(socket)?.unanswered.length ?? 0;
    // a connection that is idle, or whose client has stopped reading its response
    if (unanswered === 0 || socket.writableLength > 0) socket.destroy();
    // a request that waits, such as a long poll
    else socket.setTimeout(stallTimeout);
  });

  return function handleInOrder(request, response) {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection === undefined || socket.destroyed) return;
    const { address, unanswered } = connection;
    // the requests that were received together with this one are counted before it begins
    const begin = () =>
      schedule(request.headers.authorization ?? address, () => {
        if (!socket.destroyed) handle(request, response);
      });
    unanswered.push(begin);
    response.once('close', () => {
      unanswered.shift();
      const next = unanswered[0];
      if (socket.destroyed) unanswered.length = 0;
      else if (next !== undefined) next();
      else idle.add(socket);
    });
    idle.delete(socket);
    if (unanswered.length === 1) begin();
  };

  function closeOldestIdle(candidates: ReadonlySet<Socket>): boolean {
    for (const socket of candidates) {
      if (!idle.has(socket)) continue;
      socket.destroy();
      forget(socket);
      return true;
    }
    return false;
  }

  function forget(socket: Socket): void {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connections.delete(socket);
    idle.delete(socket);
    const ofAddress = perAddress.get(connection.address);
    ofAddress?.delete(socket);
    if (ofAddress?.size === 0) perAddress.delete(connection.address);
  }
}

/** Node's parser of a connection. It is not documented, and no documented part of Node stops it. */
type ParsedSocket = Socket & {
  readonly parser: { onIncoming: (request: IncomingMessage, keepAlive: boolean) => number };
};

/** What `onIncoming` returns when what follows in the connection is not HTTP, as after an upgrade. */
const STOP_PARSING = 2;

/**
 * Destroys a connection whose next request `isExceeded` rejects, and drops what was received with that request. Otherwise
 * Node parses on to the end of the data, which costs some 10 µs for each of more than 1,000 requests in 64 kB.
 */
function stopParsingWhen(isExceeded: () => boolean, socket: Socket): void {
  const { parser } = socket as ParsedSocket;
  const { onIncoming } = parser;
  parser.onIncoming = (request, keepAlive) => {
    if (isExceeded()) socket.destroy();
    return socket.destroyed ? STOP_PARSING : onIncoming(request, keepAlive);
  };
}
