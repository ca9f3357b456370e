import type { Logger } from 'pino';
import { OAuthError } from '../oauth-error.ts';
import { createWindowCounter, type Window } from './window-counter.ts';

/** How many of each a minute may have. Beyond that, auth answers 429 until the minute is over. */
export type TokenRequestQuotas = {
  /** Access tokens that are issued to a client. */
  readonly tokens: number;
  /** Access tokens that a client exchanges for one subject. */
  readonly exchanges: number;
  /** Token requests of a client that are rejected after it has authenticated; of a public client, from one network. */
  readonly rejections: number;
  /** Requests of an authenticated client at the revocation endpoint. */
  readonly revocations: number;
  /** Requests of an authenticated client at the introspection endpoint. */
  readonly introspections: number;
};

export const TOKEN_REQUEST_QUOTAS: TokenRequestQuotas = {
  tokens: 6_000,
  exchanges: 600,
  rejections: 100,
  revocations: 6_000,
  introspections: 6_000,
};

const WINDOW_MS = 60_000;

/**
 * Counts requests about tokens in the memory of this process, without a promise and without the database. Only requests of
 * authenticated clients are counted, so that a client cannot use up the quota of another client. The rejected requests of a
 * public client, which does not authenticate, are counted for each network.
 */
export type TokenRequestLimits = {
  /**
   * Counts an access token that is to be issued to a client. A connection has a quota of its own, because many persons use
   * one client.
   * @throws {TooManyTokenRequestsError}
   */
  readonly countToken: (clientId: string, connectionId?: string) => void;
  /**
   * Counts an exchange. The quota is that of the subject, so that one caller cannot use up what a resource server may
   * exchange for all its callers.
   * @throws {TooManyTokenRequestsError}
   */
  readonly countExchange: (clientId: string, subject: string) => void;
  /**
   * Counts a rejected request. The requests of a public client are counted for each network that sends them, because anyone
   * can name the client. Returns the error to answer with when there were too many.
   */
  readonly countRejection: (clientId: string, network?: string) => TooManyTokenRequestsError | undefined;
  /**
   * Counts a request at an endpoint, unless it is the token endpoint. Endpoints have the names of oidc-provider's routes.
   * @throws {TooManyTokenRequestsError}
   */
  readonly countRequest: (endpoint: string, clientId: string) => void;
  /**
   * Counts nothing.
   * @throws {TooManyTokenRequestsError} when the client has used up a quota of the endpoint: at the token endpoint, its
   *   tokens or rejections.
   */
  readonly requireQuota: (endpoint: string, clientId: string) => void;
  /**
   * Counts nothing.
   * @throws {TooManyTokenRequestsError} when too many requests for a public client from this network were rejected.
   */
  readonly requireRejectionQuota: (clientId: string, network: string) => void;
};

/** Creates the limits of requests at the token, revocation and introspection endpoints. */
export function createTokenRequestLimits({
  logger,
  findRequestId = () => undefined,
  quotas: { tokens, exchanges, rejections, revocations, introspections } = TOKEN_REQUEST_QUOTAS,
}: {
  logger: Logger;
  /** Finds the id of the current request, for the log. */
  findRequestId?: () => string | undefined;
  quotas?: TokenRequestQuotas;
}): TokenRequestLimits {
  const issued = createCounter('tokens', tokens, 'access tokens were issued to this client');
  const exchanged = createCounter(
    'exchanges',
    exchanges,
    'access tokens of this subject were exchanged by this client',
  );
  const rejected = createCounter('rejections', rejections, 'token requests of this client were rejected');
  const requests = new Map([
    ['revocation', createCounter('revocations', revocations, 'revocation requests of this client were answered')],
    [
      'introspection',
      createCounter('introspections', introspections, 'introspection requests of this client were answered'),
    ],
  ]);

  return {
    countToken: (clientId, connectionId = clientId) => throwIfAny(issued.count(connectionId, clientId)),
    // a client id contains no line break
    countExchange: (clientId, subject) => throwIfAny(exchanged.count(`${clientId}\n${subject}`, clientId)),
    countRejection: (clientId, network) => rejected.count(rejectionKey(clientId, network), clientId),
    requireRejectionQuota: (clientId, network) => throwIfAny(rejected.find(rejectionKey(clientId, network), clientId)),
    countRequest: (endpoint, clientId) => throwIfAny(requests.get(endpoint)?.count(clientId, clientId)),
    requireQuota(endpoint, clientId) {
      const counters = endpoint === 'token' ? [issued, rejected] : [requests.get(endpoint)];
      for (const counter of counters) throwIfAny(counter?.find(clientId, clientId));
    },
  };

  function createCounter(limit: keyof TokenRequestQuotas, quota: number, what: string) {
    const windows = createWindowCounter(WINDOW_MS);
    return {
      count(key: string, clientId: string): TooManyTokenRequestsError | undefined {
        const window = windows.count(key);
        return window.count > quota ? tooMany(key, clientId, window) : undefined;
      },
      find(key: string, clientId: string): TooManyTokenRequestsError | undefined {
        const window = windows.find(key);
        return window !== undefined && window.count >= quota ? tooMany(key, clientId, window) : undefined;
      },
    };

    function tooMany(key: string, clientId: string, window: Window): TooManyTokenRequestsError {
      if (!window.isLogged)
        logger.warn(
          { event: 'token_requests.limited', limit, client_id: clientId, request_id: findRequestId() },
          'a client exceeds a quota of its requests, rejecting its requests for up to a minute',
        );
      window.isLogged = true;
      return new TooManyTokenRequestsError(
        `${quota} ${what} within a minute: send fewer requests`,
        windows.remainingMs(key),
        limit,
      );
    }
  }
}

/** A client has used up a quota. The message continues with the time to wait. */
export class TooManyTokenRequestsError extends OAuthError {
  override readonly name = 'TooManyTokenRequestsError';
  override readonly code = 'temporarily_unavailable';
  readonly waitMs: number;
  readonly limit: keyof TokenRequestQuotas;

  constructor(message: string, waitMs: number, limit: keyof TokenRequestQuotas) {
    super(message);
    this.waitMs = waitMs;
    this.limit = limit;
  }
}

/** A client id contains no line break. */
function rejectionKey(clientId: string, network: string | undefined): string {
  return network === undefined ? clientId : `${clientId}\n${network}`;
}

function throwIfAny(error: Error | undefined): void {
  if (error !== undefined) throw error;
}
