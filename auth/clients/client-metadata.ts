import type { ClientMetadata } from 'oidc-provider';
import { TOKEN_EXCHANGE } from '../access-tokens/token-exchange.ts';
import type { ClientRecord } from './client.entity.ts';

/** The members of a client's metadata that RFC 7591 does not know. */
export const OWN_CLIENT_METADATA = ['resources', 'resource_server'] as const;

/** A client in the words of RFC 7591 §2. In place of the secret stands its hash, which opens nothing. */
export function clientMetadata(client: ClientRecord): ClientMetadata {
  return {
    client_id: client.clientId,
    client_name: client.name,
    scope: client.scopes.join(' '),
    // who may use which grant is told apart by what the grant itself asks for
    grant_types: ['client_credentials', TOKEN_EXCHANGE],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    ...(client.secretHash !== null && { client_secret: client.secretHash }),
    ...(client.jwks !== null && { jwks: client.jwks }),
    resources: client.resources,
    resource_server: client.resourceServer,
  };
}
