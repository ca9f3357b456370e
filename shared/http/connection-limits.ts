import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from './network-of.ts';
import { createRequestScheduler } from './request-scheduler.ts';
import { stopParsingWhen } from './stop-parsing.ts';
import type { IsTrustedProxy } from './trusted-proxies.ts';

/** What one connection may use of a server. Times are in milliseconds. */
export type ConnectionLimits = {
  /** Requests of one connection that are not answered yet. A client that pipelines more is disconnected. */
  readonly maxUnansweredRequests: number;
  /** How long a response may make no progress because the client does not read it. */
  readonly stallTimeout: number;
  /** How long a connection stays open without a request after a response. Longer than a load balancer keeps one, so that the
   * server never closes a connection on which a request is already on its way. */
  readonly keepAlive: number;
  /** How long a client may take to send the header section, from the first byte or, for the first request, from the connect;
   * and how long it may take to send the whole request. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  /** Open connections. One network (an IPv4 address, or 64 bits of an IPv6 address) may have a quarter of them, unless it is
   * a trusted proxy. */
  readonly maxConnections: number;
  readonly isTrustedProxy: IsTrustedProxy | undefined;
};

/**
 * Why a connection was closed: its client pipelined too many requests, or did not read a response; the server had as many
 * connections as it accepts, or as many from this network.
 */
export const REJECTION_REASONS = ['pipelining', 'stalled', 'limit', 'address_limit'] as const;

type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Receives the reason for which a connection was closed, and the network of its client. */
export type ReportRejection = (reason: RejectionReason, network: string) => void;

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
type Connection = { readonly network: string; readonly unanswered: Exchange[] };

type Exchange = { readonly request: IncomingMessage; readonly begin: () => void };

/**
 * Limits what each connection of `server` may use. Without such limits a client without an access token can exhaust the
 * memory: by pipelining requests, by not reading responses, or by opening connections. Pipelined requests are handled one
 * after another, so a connection holds one response at most. Requests with different access tokens or client credentials
 * begin by turns, and those without from different addresses.
 * Calls `handle` for each request that is handled.
 * @param onRejected is called for each connection that is closed for one of the `REJECTION_REASONS`.
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
  onRejected: ReportRejection = () => undefined,
): void {
  server.keepAliveTimeout = keepAlive;
  server.headersTimeout = headersTimeout;
  server.requestTimeout = requestTimeout;
  server.timeout = stallTimeout;
  const maxPerNetwork = Math.max(1, Math.floor(maxConnections / 4));
  // in the order in which they became idle: the first is the oldest connection without a request
  const idle = new Set<Socket>();
  // connections whose latest request may not have been received to its end, in the order in which the requests began
  const receiving = new Set<Socket>();
  const connections = new Map<Socket, Connection>();
  const scheduler = createRequestScheduler();
  const perNetwork = new Map<string, Set<Socket>>();

  server.on('connection', (socket) => {
    scheduler.onConnection();
    const address = socket.remoteAddress ?? '';
    const network = networkOf(address);
    const ofNetwork = perNetwork.get(network) ?? new Set<Socket>();
    const isCrowded = ofNetwork.size >= maxPerNetwork && !isTrustedProxy(address, 0);
    const isFull = connections.size >= maxConnections;
    const hasRoom = isCrowded ? closeOldest(ofNetwork) : !isFull || closeOldest();
    if (isCrowded || isFull) onRejected(isCrowded ? 'address_limit' : 'limit', network);
    if (!hasRoom) {
      socket.destroy();
      return;
    }
    const unanswered: Exchange[] = [];
    connections.set(socket, { network, unanswered });
    idle.add(socket);
    perNetwork.set(network, ofNetwork.add(socket));
    socket.once('close', () => forget(socket));
    stopParsingWhen(() => {
      const isExceeded = unanswered.length >= maxUnansweredRequests;
      if (isExceeded) onRejected('pipelining', network);
      return isExceeded;
    }, socket);
  });

  // Node calls this when a socket had no activity for `server.timeout`, or for `keepAlive` after a response
  server.on('timeout', (socket) => {
    const { unanswered = [], network = '' } = connections.get(socket) ?? {};
    const isStalled = socket.writableLength > 0;
    if (isStalled) onRejected('stalled', network);
    // a connection that is idle, or whose client has stopped reading its response
    if (unanswered.length === 0 || isStalled) socket.destroy();
    // a request that waits, such as a long poll
    else socket.setTimeout(stallTimeout);
  });

  server.on(
    'request',
    inOrder((request, response) => (isWithoutHost(request) ? reject(response, 400) : handle(request, response))),
  );
  // an expectation other than 100-continue (RFC 9110 §10.1.1)
  server.on(
    'checkExpectation',
    inOrder((_request, response) => reject(response, 417)),
  );

  function inOrder(listener: RequestListener): RequestListener {
    return (request, response) => handleInOrder(request, response, () => listener(request, response));
  }

  function handleInOrder(request: IncomingMessage, response: ServerResponse, handleNow: () => void): void {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection === undefined || socket.destroyed) return;
    const { network, unanswered } = connection;
    // the requests that were received together with this one are counted before it begins
    const begin = () =>
      scheduler.schedule(request.headers.authorization ?? network, () => {
        if (!socket.destroyed) handleNow();
      });
    unanswered.push({ request, begin });
    response.once('close', () => {
      unanswered.shift();
      const next = unanswered[0];
      if (socket.destroyed) unanswered.length = 0;
      else if (next !== undefined) next.begin();
      else idle.add(socket);
    });
    idle.delete(socket);
    receiving.add(socket);
    if (unanswered.length === 1) begin();
  }

  /**
   * Closes the oldest connection without a request, or else the oldest whose request has not been received to its end.
   * @param among the connections of one network; all connections when it is undefined.
   * @returns whether there was one.
   */
  function closeOldest(among?: ReadonlySet<Socket>): boolean {
    for (const socket of among ?? idle) if (idle.has(socket)) return close(socket);
    for (const socket of among ?? receiving) {
      if (!receiving.has(socket)) continue;
      if (isReceived(socket)) receiving.delete(socket);
      else return close(socket);
    }
    return false;
  }

  function isReceived(socket: Socket): boolean {
    return connections.get(socket)?.unanswered.every(({ request }) => request.complete) ?? true;
  }

  function close(socket: Socket): true {
    socket.destroy();
    forget(socket);
    return true;
  }

  function forget(socket: Socket): void {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connections.delete(socket);
    idle.delete(socket);
    receiving.delete(socket);
    const ofNetwork = perNetwork.get(connection.network);
    ofNetwork?.delete(socket);
    if (ofNetwork?.size === 0) perNetwork.delete(connection.network);
  }
}

/** RFC 9112 §3.2: an HTTP/1.1 request has a Host header. */
function isWithoutHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === '1.1';
}

function reject(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: 'close' }).end();
}
