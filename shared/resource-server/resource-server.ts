import type { Logger } from 'pino';
import { createAccessTokenVerifier, type VerifyAccessToken } from './access-token-verifier.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import type { ProtectedResource } from './protected-resource.ts';
import { openStatusListReader, type StatusListReader } from './status-list-reader.ts';

/** What a resource server holds of its issuer, so that it need not ask per request. Disposing it ends what it listens to. */
export type ResourceServer = AsyncDisposable & {
  readonly issuer: Issuer;
  readonly verify: VerifyAccessToken;
  readonly statusLists: StatusListReader;
  /** Resolves once access tokens can be verified here. */
  readonly ready: () => Promise<void>;
};

/**
 * Opens a resource server: its issuer's keys and status lists, and the verifier of the access tokens for it.
 * @param authUrl where the issuer is reached, when that is not its own address.
 */
export function openResourceServer(
  { resource, authorizationServer }: ProtectedResource,
  { authUrl, logger }: { authUrl: string | undefined; logger: Logger },
): ResourceServer {
  const issuer = createIssuer({ identifier: authorizationServer, url: authUrl });
  const statusLists = openStatusListReader({ issuer, name: resource, logger });
  const verify = createAccessTokenVerifier({
    issuer: authorizationServer,
    audience: resource,
    keys: issuer.keys,
    isRevoked: statusLists.isRevoked,
  });
  return {
    issuer,
    verify,
    statusLists,
    async ready() {
      await issuer.keys.load();
      await statusLists.ready();
    },
    [Symbol.asyncDispose]: () => statusLists[Symbol.asyncDispose](),
  };
}
