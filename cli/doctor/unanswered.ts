import { BrokenLinkError } from './failure.ts';

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
