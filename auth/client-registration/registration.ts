import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { AUTHORIZATION_CODE, REFRESH_TOKEN } from '../../shared/oauth-client/grant-types.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { ClientEntity } from '../clients/client.entity.ts';
import { createClientSecret, hashClientSecret } from '../clients/client-secret.ts';
import { insertClient } from '../clients/clients.ts';
import { createDynamicClientId, type RegistrationRequest, storedRedirectUris } from './registration-request.ts';

/** The response to a registration (RFC 7591 §3.2.1). */
type RegistrationResponse = {
  readonly client_id: string;
  readonly client_id_issued_at: number;
  readonly client_secret?: string;
  readonly client_secret_expires_at?: 0;
  readonly client_name?: string;
  readonly client_uri?: string;
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly string[];
  readonly response_types: readonly string[];
  readonly token_endpoint_auth_method: string;
  readonly scope: string;
};

/**
 * Registers a client that no administrator knows (RFC 7591 §3). `countNew` is called before a client is stored that did not
 * exist, and rejects when there were too many: hosts register again and again what exists.
 */
export type RegisterClient = (
  request: RegistrationRequest,
  origin: RequestOrigin,
  countNew: () => void,
) => Promise<RegistrationResponse>;

/** Creates the registration of clients by themselves. They may ask persons for access to the todos, and nothing else. */
export function createRegistration({
  em,
  resources,
}: {
  em: SqlEntityManager;
  /** The resource identifiers for which such a client may get access tokens. */
  resources: readonly string[];
}): RegisterClient {
  return async function registerClient(request, origin, countNew) {
    const clientId = createDynamicClientId(request);
    if ((await em.fork().count(ClientEntity, { clientId })) === 0) countNew();
    const { token_endpoint_auth_method: tokenEndpointAuthMethod } = request;
    const secret = tokenEndpointAuthMethod === 'none' ? undefined : createClientSecret();
    await em
      .fork()
      .transactional(async (transaction) => {
        // a public client that registers again is the row that exists, also when an administrator disabled it
        if ((await transaction.count(ClientEntity, { clientId })) > 0) return;
        await insertClient(transaction, {
          clientId,
          kind: 'dynamic',
          name: request.client_name ?? '',
          clientUri: request.client_uri ?? null,
          redirectUris: storedRedirectUris(request),
          scopes: [...TODO_SCOPES],
          resources: [...resources],
          resourceServer: null,
          tokenEndpointAuthMethod,
          jwks: null,
          secretHash: secret === undefined ? null : hashClientSecret(secret),
        });
        await insertSuccess(transaction, { ...origin, actor: clientId }, 'client.register', clientId, {
          client_name: request.client_name ?? null,
          redirect_uris: storedRedirectUris(request),
        });
      })
      .catch((error) => {
        // the same client registered at the same time
        if (!(error instanceof UniqueConstraintViolationException)) throw error;
      });
    const { createdAt, clientUri, name } = await em.fork().findOneOrFail(ClientEntity, { clientId });
    return {
      client_id: clientId,
      client_id_issued_at: Math.floor(createdAt.getTime() / 1000),
      ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
      ...(name !== '' && { client_name: name }),
      ...(clientUri && { client_uri: clientUri }),
      // as the client sent them: any port of a loopback redirect URI is accepted later
      redirect_uris: request.redirect_uris,
      grant_types: [AUTHORIZATION_CODE, REFRESH_TOKEN],
      response_types: ['code'],
      token_endpoint_auth_method: tokenEndpointAuthMethod,
      scope: TODO_SCOPES.join(' '),
    };
  };
}
