import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type Koa from 'koa';
import proxyAddr from 'proxy-addr';

/** Whether an address is that of a reverse proxy which is believed. */
export type IsTrustedProxy = (address: string, hop: number) => boolean;

/**
 * Parses the reverse proxies that are believed: addresses, networks such as 10.0.0.0/8, or loopback, linklocal or
 * uniquelocal. @throws {TypeError} when one is none of these.
 */
export function parseTrustedProxies(proxies: readonly string[]): IsTrustedProxy {
  return proxyAddr.compile([...proxies]);
}

/**
 * Makes `ctx.ip` the address that a request came from: the peer's, or where that is a trusted proxy the one that it says
 * in X-Forwarded-For, and so on. What is left of the first address that is not trusted is the word of whoever sent it, and
 * is not looked at.
 */
export function trustProxies(app: Koa, isTrusted: IsTrustedProxy): void {
  Object.defineProperty(app.request, 'ip', {
    get(this: { readonly req: IncomingMessage }): string {
      // a proxy that passes on what is no address stands for its clients itself
      return proxyAddr.all(this.req, isTrusted).findLast((address) => isIP(address) !== 0) ?? '';
    },
  });
}
