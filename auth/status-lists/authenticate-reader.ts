import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { noteLimit } from '../../shared/http/limits-reached.ts';
import { describeRequest, requestId } from '../../shared/http/request-id.ts';
import type { RecordAuditEvent } from '../audit/audit.ts';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';
import type { MayLookUpLimited } from '../client-authentication/limited-lookup.ts';
import { parseBasicAuthorization } from '../client-authentication/parse-basic-authorization.ts';
import { isClientId } from '../clients/client-id.ts';
import { findPresentedSecret } from '../clients/client-secret.ts';
import type { ClientRecord, Clients } from '../clients/clients.ts';
import type { Reader } from './readers.ts';

/** What `authenticateReader` puts into `ctx.state`. The reader is undefined for a request without authentication. */
export type ReaderState = { reader: Reader | undefined };

/** The header in which a process of a client names itself, so that each process of the client counts as one reader. */
const READER_HEADER = 'status-list-reader';

const MAX_PROCESS_NAME_LENGTH = 100;

/** The rejection of a request, in the form of RFC 6749 §5.2. */
type Rejection = {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * Authenticates the client of a resource server by its secret, with HTTP Basic (RFC 6749 §2.3.1), so that it counts as a
 * reader. A request without an Authorization header continues without a reader: the lists are public. Wrong credentials are
 * rejected with 401 `invalid_client` and counted as failed authentications, a client that is no resource server with 403
 * `unauthorized_client`. The client comes from the cache of clients, so a change of it is effective at the next request,
 * and a request of a cached client costs no read of the database.
 */
export function authenticateReader({
  issuer,
  clients,
  failedAuthentications,
  mayLookUpLimited,
  noteSecretUse,
  record,
  logger,
}: {
  issuer: string;
  clients: Pick<Clients, 'find'>;
  failedAuthentications: FailedAuthenticationLimiter;
  mayLookUpLimited: MayLookUpLimited;
  /** Receives the hash of each secret that a client presented correctly. */
  noteSecretUse: (hash: string) => void;
  record: RecordAuditEvent;
  logger: Logger;
}): Middleware<ReaderState> {
  const { findWaitMs, recordFailure, recordSuccess } = failedAuthentications;

  return async function authenticateReader(ctx, next) {
    const { authorization } = ctx.req.headers;
    if (authorization !== undefined) {
      const result = await authenticate(authorization, ctx);
      if (result !== undefined && 'error' in result) {
        reject(ctx, result);
        return undefined;
      }
      ctx.state.reader = result;
    }
    return next();
  };

  async function authenticate(authorization: string, ctx: Context): Promise<Reader | Rejection | undefined> {
    const presented = parseBasicAuthorization(authorization);
    if (presented === undefined) return invalidClient();
    const { clientId, clientSecret } = presented;
    // ctx.ip ignores X-Forwarded-For unless a trusted proxy sent it
    const attempt = { identifier: clientId, credential: 'secret', address: ctx.ip } as const;
    const waitMs = await findWaitMs(attempt);
    let client: ClientRecord | undefined;
    try {
      // a correct secret is accepted although others have failed: it is too long to be guessed
      client =
        waitMs === undefined || mayLookUpLimited({ clientId, address: ctx.ip })
          ? await clients.find(clientId)
          : undefined;
    } catch (error) {
      // the lists must be readable without the database: the reader is not counted, and authenticates with its next request
      if (isDatabaseUnavailable(error)) return undefined;
      throw error;
    }
    const secret = client && findPresentedSecret(client.secrets, clientSecret);
    if (client === undefined || secret === undefined) {
      if (waitMs !== undefined) return tooManyFailures(waitMs);
      void recordFailure(attempt);
      recordRejection(clientId, ctx);
      return invalidClient();
    }
    recordSuccess(attempt);
    noteSecretUse(secret.hash);
    if (!isResourceServer(client)) return NOT_A_RESOURCE_SERVER;
    return { clientId, process: parseProcessName(ctx.get(READER_HEADER)), secretHash: secret.hash };
  }

  function reject(ctx: Context, { status, error, description, headers }: Rejection): void {
    logger.debug({ event: 'request.rejected', ...describeRequest(ctx), status, code: error }, 'request rejected');
    if (status === 429) noteLimit(ctx, 'client_authentication');
    ctx.status = status;
    ctx.set({ ...headers, 'cache-control': 'no-store' });
    ctx.body = { error, error_description: description };
  }

  function recordRejection(clientId: string, ctx: Context): void {
    // text that cannot be a client id names no client
    if (!isClientId(clientId)) return;
    record({
      actor: clientId,
      address: ctx.ip,
      requestId: requestId(ctx),
      action: 'client.authenticate',
      target: null,
      outcome: 'refused',
      detail: { error: 'invalid_client', reason: 'client not found, or wrong secret', endpoint: ctx.path },
    });
  }

  function invalidClient(): Rejection {
    const description = 'client authentication failed';
    const challenge = `Basic realm="${issuer}", error="invalid_client", error_description="${description}"`;
    return { status: 401, error: 'invalid_client', description, headers: { 'www-authenticate': challenge } };
  }
}

/** Whether a client may be counted as a reader: it is a resource server. */
export function isResourceServer(client: ClientRecord): boolean {
  return client.resourceServer != null;
}

const NOT_A_RESOURCE_SERVER: Rejection = {
  status: 403,
  error: 'unauthorized_client',
  description: 'only a client with a resource_server can authenticate here: send the request without Authorization',
  headers: {},
};

function tooManyFailures(waitMs: number): Rejection {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return {
    status: 429,
    error: 'temporarily_unavailable',
    description: `client authentication failed too often from this address: check the client credentials and retry in ${seconds} seconds`,
    headers: { 'retry-after': String(seconds) },
  };
}

/** An administrator reads the name in a terminal, so it consists of printable ASCII characters. */
function parseProcessName(header: string): string {
  return header
    .slice(0, MAX_PROCESS_NAME_LENGTH)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim();
}
