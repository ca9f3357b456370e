import { lookup } from 'node:dns';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** How long a fetch may take, name resolution included. */
const TIMEOUT_MS = 2_500;

/** The response to a fetch. Header names are in lower case. */
export type PublicResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
};

/** Fetches a URL that a stranger chose. @throws {Error} when there is no complete response of at most `maxBytes` in time. */
export type FetchPublic = (
  url: string,
  options: { readonly maxBytes: number; readonly headers?: Readonly<Record<string, string>> },
) => Promise<PublicResponse>;

/**
 * Creates the fetch of URLs that strangers choose (server-side request forgery). It connects only to public addresses, only to
 * port 443, through no proxy, and follows no redirect. The addresses of a host are checked before the connection is made, in
 * the same step that gives them to the connection, so that another answer of the name server changes nothing.
 */
export function createFetchPublic({
  userAgent,
  resolve = lookup as unknown as Resolve,
}: {
  userAgent: string;
  /** Resolves a host name. A test gives its own. */
  resolve?: Resolve;
}): FetchPublic {
  return async function fetchPublic(url, { maxBytes, headers = {} }) {
    const { protocol, port, hostname, username, password } = new URL(url);
    if (protocol !== 'https:' || port !== '' || username !== '' || password !== '')
      throw new Error('expected an https URL without a port and a user name');
    // a connection to an address needs no lookup
    if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) throw new Error('expected a host name, not an address');
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return new Promise<PublicResponse>((fulfil, reject) => {
      const sent = request(
        url,
        {
          lookup: lookupPublic,
          agent: false,
          signal,
          headers: { accept: 'application/json', 'user-agent': userAgent, ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maxBytes) response.destroy(new Error(`the response is larger than ${maxBytes} bytes`));
            else chunks.push(chunk);
          });
          response.once('error', reject);
          response.once('end', () =>
            fulfil({
              status: response.statusCode ?? 0,
              headers: Object.fromEntries(
                Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
              ),
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      sent.once('error', reject);
      sent.end();
    });
  };

  function lookupPublic(...[hostname, options, callback]: Parameters<LookupFunction>): void {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new Error('the host has an address that is not public'), []);
        return;
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  }
}

type Addresses = { readonly address: string; readonly family: number }[];

/** `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: Addresses) => void,
) => void;

/** Whether an address is one of the public Internet, and of no special-use block (RFC 6890). */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'unicast';
}
