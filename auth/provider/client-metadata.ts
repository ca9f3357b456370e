import { randomBytes } from 'node:crypto';
import type { Client, ClientMetadata } from 'oidc-provider';
import * as z from 'zod';
import { CLIENT_CREDENTIALS, TOKEN_EXCHANGE } from '../../shared/oauth-client/grant-types.ts';
import { isClientSecret } from '../clients/client-secret.ts';
import type { ClientRecord } from '../clients/clients.ts';

/** The members of a client's metadata that RFC 7591 does not know. */
export const OWN_CLIENT_METADATA = ['resources', 'resource_server', 'one_token_at_a_time', 'secrets'] as const;

/** What the provider takes for the secret of each client, because it asks for one. Nothing is compared with it. */
const NO_SECRET = randomBytes(32).toString('base64url');

/** A client in the words of RFC 7591 §2, with the hashes of its secrets, which open nothing. */
export function clientMetadata(client: ClientRecord): ClientMetadata {
  return {
    client_id: client.clientId,
    client_name: client.name,
    scope: client.scopes.join(' '),
    // who may use which grant is told apart by what the grant itself asks for
    grant_types: [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    ...(client.jwks ? { jwks: client.jwks } : { client_secret: NO_SECRET }),
    secrets: client.secrets,
    resources: client.resources,
    resource_server: client.resourceServer,
    one_token_at_a_time: client.oneTokenAtATime,
  };
}

const Secrets = z.array(z.object({ hash: z.string(), expiresAt: z.coerce.date().nullable() }));

/** The hash of the secret that a client presented, or undefined when it is none of its secrets, or not good any more. */
export function findPresentedSecret(client: Client, presented: string, now = Date.now()): string | undefined {
  return secretsOf(client).find(
    ({ hash, expiresAt }) => (expiresAt === null || expiresAt.getTime() > now) && isClientSecret(presented, hash),
  )?.hash;
}

/** The provider keeps a client until it changes, so its secrets are parsed once. */
const parsed = new WeakMap<Client, z.infer<typeof Secrets>>();

function secretsOf(client: Client): z.infer<typeof Secrets> {
  const secrets = parsed.get(client) ?? Secrets.parse(client.secrets);
  parsed.set(client, secrets);
  return secrets;
}
