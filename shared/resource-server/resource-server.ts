import { createAccessTokenVerifier, type VerifyAccessToken } from './access-token-verifier.ts';
import { type AuthenticateBearer, createBearerAuthenticator } from './bearer-authenticator.ts';
import { type Challenges, createChallenges } from './challenge.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { type ProtectedResource, requireProtectedResource } from './protected-resource-metadata.ts';
import type { ClientCredentials } from './reader-authorization.ts';
import { openStatusListReader, type StatusListReader, type WarningLogger } from './status-list-reader.ts';

/**
 * All that a resource server needs to verify access tokens without a request to the authorization server. Disposing it
 * ends its subscription to the status lists.
 */
export type ResourceServer = AsyncDisposable & {
  readonly issuer: Issuer;
  readonly verify: VerifyAccessToken;
  readonly authenticate: AuthenticateBearer;
  readonly challenges: Challenges;
  readonly statusLists: StatusListReader;
  /** Resolves once the keys and status lists have been fetched. @throws {AuthorizationServerUnavailableError} */
  readonly ready: () => Promise<void>;
};

/**
 * Opens a resource server: it fetches its issuer's keys and subscribes to its status lists.
 * @param authUrl the address to connect to, when the issuer is not reached at its own identifier.
 * @param credentials those of the issuer's client that this resource server is. Without them the issuer does not count it
 *   among the resource servers that confirm a revocation.
 * @throws {TypeError} when the resource is not described correctly.
 */
export function openResourceServer(
  protectedResource: ProtectedResource,
  {
    authUrl,
    credentials,
    logger,
    fetch,
  }: {
    authUrl: string | undefined;
    credentials?: ClientCredentials | undefined;
    logger: WarningLogger;
    fetch?: typeof globalThis.fetch;
  },
): ResourceServer {
  requireProtectedResource(protectedResource);
  const { resource, authorizationServer } = protectedResource;
  const challenges = createChallenges(protectedResource);
  const issuer = createIssuer({ identifier: authorizationServer, url: authUrl, ...(fetch !== undefined && { fetch }) });
  if (credentials === undefined)
    logger.warn(
      { event: 'status_lists.credentials_missing' },
      'reading the status lists without client credentials: `tokens revoke --wait` does not count this process',
    );
  const statusLists = openStatusListReader({ issuer, credentials, logger });
  const verify = createAccessTokenVerifier({
    issuer: authorizationServer,
    audience: resource,
    keys: issuer.keys,
    isRevoked: statusLists.isRevoked,
  });
  return {
    issuer,
    verify,
    authenticate: createBearerAuthenticator({ verify, challenges }),
    challenges,
    statusLists,
    async ready() {
      await issuer.keys.load();
      await statusLists.ready();
    },
    [Symbol.asyncDispose]: () => statusLists[Symbol.asyncDispose](),
  };
}
