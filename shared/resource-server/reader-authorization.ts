import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Issuer } from './issuer.ts';
import type { WarningLogger } from './status-list-reader.ts';

/** The id and the secret of the client as which a resource server authenticates at its issuer. */
export type ClientCredentials = { readonly clientId: string; readonly clientSecret: string };

/** How a reader authenticates at the status lists, and what it does when its credentials are rejected. */
export type ReaderAuthorization = {
  /** The headers that authenticate a request to `uri`; undefined for a request without authentication. */
  readonly headersFor: (uri: string) => Readonly<Record<string, string>> | undefined;
  readonly accepted: () => void;
  /** Logs the rejection. Requests are sent without authentication for a while. */
  readonly rejected: (status: number) => void;
};

/**
 * The shortest and the longest time for which rejected credentials are not sent again. The issuer limits failed
 * authentication to a few in a minute.
 */
const MIN_RETRY_MS = 30_000;
const MAX_RETRY_MS = 600_000;

/**
 * Creates the authorization of a reader: HTTP Basic with the credentials of its client (RFC 6749 §2.3.1), and a name for
 * this process, because several processes of one client are several readers. Credentials are sent only where the issuer
 * accepts secrets.
 */
export function createReaderAuthorization({
  credentials,
  issuer,
  logger,
  now = Date.now,
}: {
  credentials: ClientCredentials | undefined;
  issuer: Pick<Issuer, 'acceptsSecretsAt'>;
  logger: WarningLogger;
  now?: () => number;
}): ReaderAuthorization {
  const headers = credentials && {
    authorization: formatBasicAuthorization(credentials),
    'status-list-reader': createProcessName(),
  };
  let retryAt = 0;
  let retryAfter = MIN_RETRY_MS;
  let wasWithheld = false;

  return {
    headersFor(uri) {
      if (headers === undefined || now() < retryAt) return undefined;
      if (issuer.acceptsSecretsAt(uri)) return headers;
      if (!wasWithheld)
        logger.warn(
          { event: 'status_lists.credentials_withheld', uri },
          'not sending the client secret to this address, reading the status lists without authentication',
        );
      wasWithheld = true;
      return undefined;
    },
    accepted() {
      retryAfter = MIN_RETRY_MS;
    },
    rejected(status) {
      logger.warn(
        { event: 'status_lists.credentials_rejected', client_id: credentials?.clientId, status },
        'the client credentials were rejected, reading the status lists without authentication',
      );
      retryAt = now() + retryAfter;
      retryAfter = Math.min(retryAfter * 2, MAX_RETRY_MS);
    },
  };
}

/** Encodes the id and the secret as in a form, then as HTTP Basic. */
function formatBasicAuthorization({ clientId, clientSecret }: ClientCredentials): string {
  const encoded = [clientId, clientSecret].map((text) => new URLSearchParams([['', text]]).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}

/** The name by which an operator recognizes this process. The random part tells processes with one host name apart. */
function createProcessName(): string {
  const host = hostname()
    .replaceAll(/[^\x21-\x7e]/g, '?')
    .slice(0, 60);
  return `${host}-${randomBytes(4).toString('hex')}`;
}
