/** The hosts of this computer (RFC 8252 §7.3, §8.3). */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const MAX_REDIRECT_URI_LENGTH = 500;

/** Parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2). A redirect URI must not preset them. */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error'];

/** What a redirect URI must be, for an error message. */
export const REDIRECT_URI = `an https URL, or an http URL on localhost, 127.0.0.1 or [::1], of at most ${MAX_REDIRECT_URI_LENGTH} characters, in its normal form, without user name, fragment and the parameters code, state, iss and error`;

/** Whether a host name is that of this computer. An IPv6 address is in brackets, as `URL` writes it. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK_HOSTS.has(hostname);
}

/**
 * Whether a client may have this redirect URI (RFC 9700 §2.1, OAuth 2.1 §2.3). It must be in the form in which a URL parser
 * writes it, so that a person and a browser read the same host.
 */
export function isAllowedRedirectUri(uri: string): boolean {
  if (uri.length > MAX_REDIRECT_URI_LENGTH || !/^https?:\/\//.test(uri) || !URL.canParse(uri)) return false;
  const { href, protocol, hostname, username, password, hash, searchParams } = new URL(uri);
  // the path of an origin may be absent
  if (href !== uri && href !== `${uri}/`) return false;
  if (username !== '' || password !== '' || hash !== '' || uri.includes('#')) return false;
  if (RESPONSE_PARAMETERS.some((name) => searchParams.has(name))) return false;
  return protocol === 'https:' || isLoopbackHost(hostname);
}

/** A redirect URI without its port if it is on loopback, where a native client may use any (RFC 8252 §7.3). */
export function withoutLoopbackPort(uri: string): string {
  const { protocol, hostname } = new URL(uri);
  return protocol === 'http:' && isLoopbackHost(hostname)
    ? uri.replace(/^(http:\/\/[^/?]*?):\d+(?=[/?]|$)/, '$1')
    : uri;
}
