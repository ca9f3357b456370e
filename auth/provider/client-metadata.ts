import { randomBytes } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';
import {
  AUTHORIZATION_CODE,
  CLIENT_CREDENTIALS,
  REFRESH_TOKEN,
  TOKEN_EXCHANGE,
} from '../../shared/oauth-client/grant-types.ts';
import type { ClientKeys } from '../clients/client.entity.ts';
import { findValidKeys } from '../clients/client-keys.ts';
import type { ClientRecord } from '../clients/clients.ts';

/** The members of a client's metadata that RFC 7591 does not define. oidc-provider drops a member that is not configured. */
export const OWN_CLIENT_METADATA = [
  'kind',
  'allowed_scopes',
  'resources',
  'resource_server',
  'one_token_at_a_time',
  'secrets',
] as const;

/** oidc-provider requires a `client_secret` for each client that authenticates with one. Nothing is compared with it. */
const UNUSED_CLIENT_SECRET = randomBytes(32).toString('base64url');

/**
 * Converts a client to the metadata of RFC 7591 §2. Every member follows from a column, and no column but the names and
 * addresses is chosen by a stranger. A client with redirect URIs gets access tokens through a person alone. `secrets` has
 * the hashes of the client's secrets, `jwks` the keys that have not expired.
 */
export function toClientMetadata(client: ClientRecord): ClientMetadata {
  return {
    client_id: client.clientId,
    client_name: client.name,
    ...(client.redirectUris.length > 0
      ? {
          grant_types: [AUTHORIZATION_CODE, REFRESH_TOKEN],
          response_types: ['code'],
          redirect_uris: client.redirectUris,
          // only a native client may have a redirect URI on loopback (RFC 8252 §7.3)
          application_type: client.redirectUris.every((uri) => uri.startsWith('https:')) ? 'web' : 'native',
        }
      : {
          // token exchange itself rejects a client that is not a resource server
          grant_types: [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
          response_types: [],
          redirect_uris: [],
        }),
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    ...toCredential(client),
    secrets: client.secrets,
    kind: client.kind,
    allowed_scopes: client.scopes,
    resources: client.resources,
    resource_server: client.resourceServer,
    one_token_at_a_time: client.oneTokenAtATime,
  };
}

function toCredential({ tokenEndpointAuthMethod, jwks }: ClientRecord): Partial<ClientMetadata> {
  if (jwks) return { jwks: toJwks(jwks) };
  return tokenEndpointAuthMethod === 'none' ? {} : { client_secret: UNUSED_CLIENT_SECRET };
}

/** The JWK Set with which oidc-provider verifies client assertions (client-cache.ts builds it anew when a key expires). */
function toJwks(stored: ClientKeys) {
  return { keys: findValidKeys(stored).map(({ exp: _, ...key }) => allowBothNamesOfEd25519(key)) };
}

/**
 * `EdDSA` and `Ed25519` name the same signature of an Ed25519 key (RFC 9864 §2.2), and a library uses one of them whatever
 * the `alg` of the registered key is. Without `alg`, oidc-provider accepts both: the curve permits no other algorithm.
 */
function allowBothNamesOfEd25519({ alg, ...key }: Record<string, unknown>) {
  return key.crv === 'Ed25519' || alg === undefined ? key : { ...key, alg };
}
