import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type Koa from 'koa';
import proxyAddr from 'proxy-addr';

/** Whether an address is that of a trusted reverse proxy. */
export type IsTrustedProxy = (address: string, hop: number) => boolean;

/**
 * Parses a list of trusted reverse proxies: addresses, networks such as 10.0.0.0/8, or `loopback`, `linklocal`,
 * `uniquelocal`. @throws {TypeError} when an entry is not valid.
 */
export function parseTrustedProxies(proxies: readonly string[]): IsTrustedProxy {
  return proxyAddr.compile([...proxies]);
}

/**
 * Makes `ctx.ip` the client's address. It is the address of the connection or, if that is a trusted proxy, the last address
 * in X-Forwarded-For, and so on from right to left. Addresses to the left of the first untrusted one are ignored, because
 * the client can send any value there.
 */
export function trustProxies(app: Koa, isTrusted: IsTrustedProxy): void {
  Object.defineProperty(app.request, 'ip', {
    get(this: { readonly req: IncomingMessage }): string {
      // if a proxy forwards something that is not an address, the proxy's own address is used
      return proxyAddr.all(this.req, isTrusted).findLast((address) => isIP(address) !== 0) ?? '';
    },
  });
}
