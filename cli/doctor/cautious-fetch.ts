import { BrokenLinkError } from './chain.ts';
import { sanitize } from './sanitize.ts';

/** Milliseconds that a server has to answer. */
const TIMEOUT = 5_000;

/** Bytes that an answer may have. */
const LARGEST = 1_000_000;

/** A request that was answered, and the times around it: what a server says of its clock is compared to them. */
export type Answer = {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly askedAt: number;
  readonly answeredAt: number;
};

/** Asks a server. @throws {BrokenLinkError} when it does not answer, too slowly, too much, or with a redirect. */
export type Ask = (url: string, init?: RequestInit) => Promise<Answer>;

/**
 * `fetch` for servers that may be broken: each answer in bounded time and size, and no redirect followed. A client that
 * followed one would take another server's word for this one's, and would carry its access token there.
 */
export function createCautiousFetch({ timeout = TIMEOUT }: { timeout?: number } = {}): typeof fetch {
  return async function cautiousFetch(input, init) {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const signals = [AbortSignal.timeout(timeout), ...(init?.signal ? [init.signal] : [])];
    const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) }).catch(
      (cause) => {
        throw unanswered(href, cause);
      },
    );
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new BrokenLinkError(
        `${href} redirects (${response.status}) to ${sanitize(response.headers.get('location') ?? 'nowhere')}`,
        'Answer there without a redirect: clients follow none. Where a proxy adds or takes a slash, or moves http to https, let it pass this address on; or have clients use the other.',
      );
    }
    return limited(response, href);
  };
}

/** Creates the way to ask a server and read its whole answer. */
export function createAsk(fetch: typeof globalThis.fetch, now: () => number): Ask {
  return async function ask(url, init) {
    const askedAt = now();
    const response = await fetch(url, init);
    const answeredAt = now();
    const { status, headers } = response;
    // a stream of events may have no end
    const endless = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (endless) await response.body?.cancel();
    const text = endless
      ? ''
      : await response.text().catch((cause) => {
          throw cause instanceof BrokenLinkError ? cause : unanswered(url, cause);
        });
    return { url, status, headers, text, askedAt, answeredAt };
  };
}

function limited(response: Response, url: string): Response {
  const { status, statusText, headers, body } = response;
  if (body === null) return response;
  let bytes = 0;
  const limit = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes <= LARGEST) controller.enqueue(chunk);
      else
        controller.error(new BrokenLinkError(`${url} answers more than ${LARGEST} bytes`, 'Let it answer with less.'));
    },
  });
  return new Response(body.pipeThrough(limit), { status, statusText, headers });
}

const WRONG_ADDRESS = 'Start the server, or correct the host and the port.';
const SLOW = 'Look at the server, and at what stands between it and this machine: a firewall drops without a word.';
const CERTIFICATE =
  'Give the server a certificate for this host that is valid now and that clients trust; for one of your own authority set NODE_EXTRA_CA_CERTS.';

/** What the system says when a request gets no answer, and what to do. */
const REASONS: Readonly<Record<string, readonly [detail: string, remedy: string]>> = {
  ECONNREFUSED: ['nothing listens there', WRONG_ADDRESS],
  EHOSTUNREACH: ['its host is out of reach', WRONG_ADDRESS],
  ENETUNREACH: ['its network is out of reach', WRONG_ADDRESS],
  ENOTFOUND: ['its host name is not known', 'Correct the host name, or the name service of this machine.'],
  EAI_AGAIN: ['the name service does not answer', 'Correct the name service of this machine.'],
  ETIMEDOUT: ['it does not answer in time', SLOW],
  UND_ERR_CONNECT_TIMEOUT: ['it does not answer in time', SLOW],
  TimeoutError: ['it does not answer in time', SLOW],
  ECONNRESET: ['it cuts the connection', 'Look at the log of the server. A port that speaks https cuts off http.'],
  UND_ERR_SOCKET: ['it cuts the connection', 'Look at the log of the server. A port that speaks https cuts off http.'],
  HTTPParserError: ['it speaks no HTTP', WRONG_ADDRESS],
  ERR_SSL_WRONG_VERSION_NUMBER: ['TLS fails: the port speaks no TLS', 'Write http:// for it, or serve https there.'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['TLS fails: the port speaks no TLS', 'Write http:// for it, or serve https there.'],
  CERT_HAS_EXPIRED: ['TLS fails: its certificate expired', CERTIFICATE],
  CERT_NOT_YET_VALID: ['TLS fails: its certificate is not valid yet', CERTIFICATE],
  ERR_TLS_CERT_ALTNAME_INVALID: ['TLS fails: its certificate is for another host', CERTIFICATE],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['TLS fails: its certificate is signed by itself', CERTIFICATE],
  SELF_SIGNED_CERT_IN_CHAIN: ['TLS fails: its certificate is of an authority that is not known', CERTIFICATE],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['TLS fails: its certificate is of an authority that is not known', CERTIFICATE],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['TLS fails: it does not send the whole chain of its certificate', CERTIFICATE],
};

/** A request without an answer, in words. */
export function unanswered(url: string, error: unknown): BrokenLinkError {
  const code = codeOf(error);
  const [detail, remedy] = REASONS[code] ?? [
    /SSL|TLS|CERT|EPROTO/.test(code) ? `TLS fails (${code})` : `it cannot be asked (${code})`,
    /SSL|TLS|CERT|EPROTO/.test(code) ? CERTIFICATE : WRONG_ADDRESS,
  ];
  return new BrokenLinkError(`${url} does not answer: ${detail}`, remedy);
}

/** The innermost code: fetch wraps what the system says. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.cause !== undefined) return codeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
