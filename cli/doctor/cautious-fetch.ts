import { sanitize } from '../sanitize.ts';
import { BrokenLinkError } from './chain.ts';

/** How long a server may take to answer. */
const REQUEST_TIMEOUT_MS = 5_000;

const MAX_BODY_BYTES = 1_000_000;

/** A response with its whole text, and the times around the request, with which a server's clock is compared. */
export type TextResponse = {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly sentAt: number;
  readonly receivedAt: number;
};

/** Sends a request. @throws {BrokenLinkError} without a response, and for a redirect, a slow or a large response. */
export type FetchText = (url: string, init?: RequestInit) => Promise<TextResponse>;

/**
 * Creates a `fetch` for servers that may be broken. It limits the time and the size of a response and follows no
 * redirect: a redirect would hand the metadata, and the access token, to another server than the one that was asked.
 */
export function createCautiousFetch({ timeout = REQUEST_TIMEOUT_MS }: { timeout?: number } = {}): typeof fetch {
  return async function cautiousFetch(input, init) {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const signals = [AbortSignal.timeout(timeout), ...(init?.signal ? [init.signal] : [])];
    const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) }).catch(
      (cause) => {
        throw toBrokenLink(href, cause);
      },
    );
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new BrokenLinkError(
        `${sanitize(href)} redirects (${response.status}) to ${sanitize(response.headers.get('location') ?? 'nowhere')}`,
        'Answer at this URL without a redirect, because clients follow none. If a proxy adds or removes a slash or redirects http to https, let it forward this URL, or give clients the URL that it redirects to.',
      );
    }
    return limitBody(response, href);
  };
}

/** Creates a function that sends a request and reads the whole response. */
export function createFetchText(fetch: typeof globalThis.fetch, now: () => number): FetchText {
  return async function fetchText(url, init) {
    const sentAt = now();
    const response = await fetch(url, init);
    const receivedAt = now();
    const { status, headers } = response;
    // an event stream may never end
    const isEventStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (isEventStream) await response.body?.cancel();
    const text = isEventStream
      ? ''
      : await response.text().catch((cause) => {
          throw cause instanceof BrokenLinkError ? cause : toBrokenLink(url, cause);
        });
    return { url, status, headers, text, sentAt, receivedAt };
  };
}

function limitBody(response: Response, url: string): Response {
  const { status, statusText, headers, body } = response;
  if (body === null) return response;
  let bytes = 0;
  const limit = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes <= MAX_BODY_BYTES) controller.enqueue(chunk);
      else
        controller.error(
          new BrokenLinkError(
            `${sanitize(url)} answers with more than ${MAX_BODY_BYTES} bytes`,
            'Send a shorter response.',
          ),
        );
    },
  });
  return new Response(body.pipeThrough(limit), { status, statusText, headers });
}

const ADDRESS_REMEDY = 'Start the server, or correct the host and the port of the URL.';
const TIMEOUT_REMEDY = 'Check the server and the network. A firewall may drop the packets.';
const RESET_REMEDY = 'Look at the log of the server. A port that expects https closes http connections.';
const PLAIN_REMEDY = 'Use http:// in the URL, or serve https on this port.';
const CERTIFICATE_REMEDY =
  'Give the server a certificate that is valid now, names this host, and is signed by an authority that clients trust. For an authority of your own, set NODE_EXTRA_CA_CERTS to its certificate.';

/** The error codes of Node.js and undici for a request without a response: what happened, and the remedy. */
const CONNECTION_ERRORS: Readonly<Record<string, readonly [detail: string, remedy: string]>> = {
  ECONNREFUSED: ['no process listens on this port', ADDRESS_REMEDY],
  EHOSTUNREACH: ['the host is unreachable', ADDRESS_REMEDY],
  ENETUNREACH: ['the network of the host is unreachable', ADDRESS_REMEDY],
  ENOTFOUND: [
    'DNS does not know the host name',
    'Correct the host name of the URL, or the DNS settings of this machine.',
  ],
  EAI_AGAIN: ['DNS does not answer', 'Correct the DNS settings of this machine.'],
  ETIMEDOUT: ['the request timed out', TIMEOUT_REMEDY],
  UND_ERR_CONNECT_TIMEOUT: ['the request timed out', TIMEOUT_REMEDY],
  TimeoutError: ['the request timed out', TIMEOUT_REMEDY],
  ECONNRESET: ['the server closed the connection', RESET_REMEDY],
  UND_ERR_SOCKET: ['the server closed the connection', RESET_REMEDY],
  HTTPParserError: ['the server does not speak HTTP', ADDRESS_REMEDY],
  ERR_SSL_WRONG_VERSION_NUMBER: ['TLS fails because the server does not speak TLS', PLAIN_REMEDY],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['TLS fails because the server does not speak TLS', PLAIN_REMEDY],
  CERT_HAS_EXPIRED: ['TLS fails because the certificate has expired', CERTIFICATE_REMEDY],
  CERT_NOT_YET_VALID: ['TLS fails because the certificate is not valid yet', CERTIFICATE_REMEDY],
  ERR_TLS_CERT_ALTNAME_INVALID: ['TLS fails because the certificate names another host', CERTIFICATE_REMEDY],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['TLS fails because the certificate is self-signed', CERTIFICATE_REMEDY],
  SELF_SIGNED_CERT_IN_CHAIN: ['TLS fails because the certificate is from an unknown authority', CERTIFICATE_REMEDY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'TLS fails because the certificate is from an unknown authority',
    CERTIFICATE_REMEDY,
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'TLS fails because the server does not send the whole certificate chain',
    CERTIFICATE_REMEDY,
  ],
};

/** Describes a request without a response, and what to do about it. */
export function toBrokenLink(url: string, error: unknown): BrokenLinkError {
  const code = codeOf(error);
  const isTls = /SSL|TLS|CERT|EPROTO/.test(code);
  const [detail, remedy] = CONNECTION_ERRORS[code] ?? [
    isTls ? `TLS fails (${code})` : `the request failed (${code})`,
    isTls ? CERTIFICATE_REMEDY : ADDRESS_REMEDY,
  ];
  return new BrokenLinkError(`no response from ${sanitize(url)}: ${detail}`, remedy);
}

/** The code of the innermost cause: fetch wraps the errors of the system. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.cause !== undefined) return codeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
