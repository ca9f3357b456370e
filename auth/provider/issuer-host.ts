import type Provider from 'oidc-provider';

/**
 * Makes every URL that oidc-provider builds begin with the issuer. By default it builds them from the Host header: the
 * sender of a request could then put a host of its choice into a metadata document that is cached, or into the accepted
 * audiences of client assertions (panva/node-oidc-provider#764).
 */
export function applyIssuerHost(provider: Provider): void {
  const { host, protocol } = new URL(provider.issuer);
  Object.defineProperties(provider.request, {
    host: { get: () => host },
    protocol: { get: () => protocol.slice(0, -1) },
  });
}
