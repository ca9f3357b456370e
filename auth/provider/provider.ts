import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import compose from 'koa-compose';
import { type AdapterFactory, Provider } from 'oidc-provider';
import type { Logger } from 'pino';
import { type IsTrustedProxy, trustProxies } from '../../shared/http/trusted-proxies.ts';
import type { Account } from '../accounts/account.entity.ts';
import type { RecordAuditEvent } from '../audit/audit.ts';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';
import type { MayLookUpLimited } from '../client-authentication/limited-lookup.ts';
import type { MetadataDocuments } from '../client-metadata-documents/metadata-documents.ts';
import type { Clients } from '../clients/clients.ts';
import type { ExchangeToken } from '../grants/token-exchange.ts';
import { createNetworkLimit } from '../request-limits/network-limit.ts';
import type { TokenRequestLimits } from '../request-limits/token-request-limits.ts';
import type { ResourceServers } from '../resource-servers/resource-servers.ts';
import type { ServerSecrets } from '../signing-keys/server-secrets.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { TokenStatus } from '../status-lists/token-status.ts';
import { applyAuditEvents } from './audit-events.ts';
import { applyAuthenticatedClients } from './authenticated-clients.ts';
import { ANONYMOUS_REQUESTS, guardAuthorizationRequests } from './authorization-requests.ts';
import { guardAuthorizationResponses } from './authorization-responses.ts';
import { applyClientAssertionErrors } from './client-assertions.ts';
import { applyClientAuthenticationRateLimit } from './client-authentication-rate-limit.ts';
import { applyClientCache } from './client-cache.ts';
import { applyClientSecrets } from './client-secrets.ts';
import { createConfiguration } from './configuration.ts';
import { cookieNames } from './cookie-names.ts';
import { applyErrorDescriptions } from './error-descriptions.ts';
import { renderAuthorizationProblem } from './error-pages.ts';
import { createInteractions, type Interactions } from './interactions.ts';
import { applyIssuerHost } from './issuer-host.ts';
import { applyMissingAuthentication } from './missing-authentication.ts';
import { createPersonSessions, type PersonSessions } from './person-sessions.ts';
import { publishDocuments } from './publish-documents.ts';
import { applyRefreshTokenSuccessors } from './refresh-token-adapter.ts';
import { rejectUnroutedRequests } from './reject-unrouted-requests.ts';
import { applyRejectionLimit } from './rejected-token-requests.ts';
import { applyResourceSpellings, createResourceServerDescription } from './resource-indicators.ts';
import { applyServerErrors } from './server-errors.ts';
import { applySessionUpdates } from './session-updates.ts';
import { createStatusClaim } from './status-claim.ts';
import { applyStructuredAccessTokens, type HandleStructuredAccessToken } from './structured-access-tokens.ts';
import { applyTokenExchangeGrant } from './token-exchange-grant.ts';
import { applyRetryAfter } from './too-many-requests.ts';
import { applyUnauthorizedGrants } from './unauthorized-grants.ts';

/** oidc-provider as a Koa app, and the middleware for every request except token requests, which do not need it. */
export type ProviderApp = {
  readonly app: Koa;
  readonly middleware: Middleware;
  readonly interactions: Interactions;
  readonly sessions: PersonSessions;
};

/**
 * Creates oidc-provider with all changes that auth makes to it. Read this list first when oidc-provider is upgraded: each
 * comment names the upstream behavior on which a change depends.
 */
export function createProvider({
  issuer,
  adapter,
  signingKeys,
  em,
  accessTokenTtl,
  lifetimes,
  secrets,
  findAccount,
  isRegistrationOpen,
  documents,
  areDocumentsAccepted,
  resourceServers,
  tokenStatus,
  tokenRequestLimits,
  exchangeToken,
  clients,
  noteSecretUse,
  failedAuthentications,
  mayLookUpLimited,
  revokeToken,
  introspectToken,
  isTrustedProxy,
  record,
  logger,
}: {
  issuer: string;
  adapter: AdapterFactory;
  signingKeys: SigningKeys;
  em: SqlEntityManager;
  /** Seconds for which an access token is valid. */
  accessTokenTtl: number;
  /** In seconds: of a refresh token that is not used, of a connection, and of a session. */
  lifetimes: { readonly refreshToken: number; readonly connection: number; readonly session: number };
  secrets: ServerSecrets;
  findAccount: (id: string) => Promise<Account | undefined>;
  isRegistrationOpen: boolean;
  documents: Pick<MetadataDocuments, 'prepare'>;
  areDocumentsAccepted: boolean;
  resourceServers: ResourceServers;
  tokenStatus: TokenStatus;
  tokenRequestLimits: TokenRequestLimits;
  exchangeToken: ExchangeToken;
  clients: Pick<Clients, 'find'>;
  /** Receives the hash of each secret that a client presented correctly. */
  noteSecretUse: (hash: string) => void;
  failedAuthentications: FailedAuthenticationLimiter;
  mayLookUpLimited: MayLookUpLimited;
  revokeToken: HandleStructuredAccessToken;
  introspectToken: HandleStructuredAccessToken;
  /** If undefined, no proxy is trusted, and `X-Forwarded-For` is ignored. */
  isTrustedProxy: IsTrustedProxy | undefined;
  record: RecordAuditEvent;
  logger: Logger;
}): ProviderApp {
  const describeResourceServer = createResourceServerDescription({ accessTokenTtl, signingKeys });

  const statusClaim = createStatusClaim(tokenStatus, tokenRequestLimits.countToken);

  // Settings. Their callbacks are in client-assertions.ts, error-pages.ts, interaction-settings.ts, refresh-token-rotation.ts,
  // resource-indicators.ts and status-claim.ts; storage is in adapter.ts and client-metadata.ts; the signing keys,
  // which change while the process runs, are in provider-signing-key.ts.
  const provider = new Provider(
    issuer,
    createConfiguration({
      issuer,
      adapter,
      signingKeys,
      accessTokenTtl,
      resourceServers,
      describeResourceServer,
      statusClaim,
      cookieKey: secrets.cookies,
      findAccount,
      lifetimes,
      isRegistrationOpen,
      areDocumentsAccepted,
    }),
  );

  // Upstream takes the address of the connection as that of the client.
  if (isTrustedProxy !== undefined) trustProxies(provider, isTrustedProxy);

  // Upstream builds URLs from the Host header.
  applyIssuerHost(provider);

  // Upstream compares one secret in plain text; auth stores hashes, of several secrets.
  applyClientSecrets(provider, noteSecretUse);

  // Upstream reads and hashes a client's metadata for each request.
  applyClientCache(provider, clients);

  // Upstream sends no headers of an error.
  applyRetryAfter(provider);

  // Upstream does not limit failed client authentication. This wraps Client.find and the comparison of secrets, so it
  // follows the client cache and the hashed secrets.
  const noteAuthentication = applyClientAuthenticationRateLimit(provider, failedAuthentications, mayLookUpLimited);

  // Upstream sets the client of a request before it authenticates it, and limits no requests.
  applyAuthenticatedClients(provider, tokenRequestLimits);

  // Upstream does not limit rejected token requests. This follows the limit above, whose errors it does not count.
  applyRejectionLimit(provider, tokenRequestLimits);

  // Upstream compares resource indicators as texts.
  applyResourceSpellings(provider);

  // Upstream stores a session again that was deleted during the request.
  applySessionUpdates(provider);

  // Upstream gives a rotated refresh token a random successor.
  applyRefreshTokenSuccessors(provider, { successorKey: secrets['refresh-tokens'] });

  // Upstream has no token exchange (RFC 8693), but lets a grant be registered.
  applyTokenExchangeGrant(provider, { exchangeToken, describeResourceServer });

  // Upstream answers a client that may not use a grant type with another error code than RFC 6749.
  applyUnauthorizedGrants(provider);

  // Upstream answers missing client authentication with another error code than RFC 6749, and a 401 without a challenge.
  applyMissingAuthentication(provider);

  // Upstream only emits events for issued tokens and rejected requests.
  applyAuditEvents(provider, { record, logger });

  // Upstream does not say why a client assertion was rejected.
  applyClientAssertionErrors(provider, issuer);

  // Upstream repeats input in descriptions of errors. This follows everything that changes the response to an error.
  applyErrorDescriptions(provider);

  // Upstream answers every unexpected error with 500, also while the database is unavailable.
  applyServerErrors(provider, logger);

  // Upstream rejects access tokens that are JWTs at its revocation and introspection endpoints.
  const handleStructuredAccessTokens = applyStructuredAccessTokens(provider, {
    revocation: revokeToken,
    introspection: introspectToken,
    logger,
  });

  const sessions = createPersonSessions({ provider, em, findAccount, ttl: lifetimes.session });
  const middleware = compose([
    // Upstream answers a wrong path or method with 404 and no body.
    rejectUnroutedRequests,
    // Upstream serves any number of authorization requests, and stores parameters of any length.
    guardAuthorizationRequests({
      countAnonymous: createNetworkLimit(ANONYMOUS_REQUESTS),
      isSignedIn: async (ctx) => (await sessions.find(ctx)) !== undefined,
      documents,
      render: renderAuthorizationProblem,
    }),
    // Upstream sends errors to any registered redirect URI, and its session cookie to every port of its host.
    guardAuthorizationResponses({
      issuer,
      render: renderAuthorizationProblem,
      sessionCookie: cookieNames(issuer).session,
    }),
    // Upstream sends metadata and keys without cache headers, and does not know keys that were created later.
    publishDocuments(signingKeys),
    noteAuthentication,
    handleStructuredAccessTokens,
  ]);
  return {
    app: provider,
    middleware,
    interactions: createInteractions(provider),
    sessions,
  };
}
