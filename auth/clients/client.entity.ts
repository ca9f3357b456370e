import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { TOKEN_ENDPOINT_AUTH_METHODS } from './client-authentication-methods.ts';
import { CLIENT_KINDS } from './client-kinds.ts';

/** The channel that PostgreSQL notifies when a client changes (NOTIFY). The payload is the client id. */
export const CLIENT_CHANGES_CHANNEL = 'auth_client_changes';

/** A client, registered by an administrator, by itself, or by its metadata document. */
export const ClientEntity = defineEntity({
  name: 'Client',
  tableName: 'client',
  properties: {
    clientId: p.string().primary(),
    /** Where the metadata of the client comes from, and thereby what it may have (see the checks). */
    kind: p.enum(CLIENT_KINDS).default('registered'),
    name: p.string(),
    /** The scopes that the client may have. The list is never empty. */
    scopes: p.array(),
    /** The resources for which the client may request access tokens (RFC 8707). */
    resources: p.array(),
    /**
     * The resource of a client that is itself a resource server: it may exchange the access tokens issued for this
     * resource.
     */
    resourceServer: p.string().nullable(),
    tokenEndpointAuthMethod: p.enum(TOKEN_ENDPOINT_AUTH_METHODS),
    /**
     * Where authorization responses may go. A client that has any gets access tokens only through a person, and one that has
     * none only by itself.
     */
    redirectUris: p.array().defaultRaw("'{}'"),
    /** The home page of the client, as the client says. */
    clientUri: p.text().nullable(),
    /** The public keys of the client, replaced ones that are still valid included; null when it authenticates with a secret. */
    jwks: p.json<ClientKeys>().nullable(),
    /** False when an administrator has disabled the client (see active-clients.ts). */
    active: p.boolean().default(true),
    /** Whether each new access token of the client revokes its earlier ones. */
    oneTokenAtATime: p.boolean().default(false).fieldName('one_token_at_a_time'),
    /** When the client last had a live connection, to the day. */
    lastUsedAt: p.datetime().nullable(),
    /** When the metadata document was last fetched, until when it is fresh, and its entity tag. */
    documentFetchedAt: p.datetime().nullable(),
    documentExpiresAt: p.datetime().nullable(),
    documentEtag: p.text().nullable(),
    /** The address from which `jwks` of a metadata document was fetched. */
    jwksUri: p.text().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p
      .datetime()
      .defaultRaw('now()')
      .onUpdate(() => new Date()),
  },
  checks: [
    // an empty list would mean "no limit" to oidc-provider
    { name: 'client_scopes_check', expression: 'cardinality(scopes) > 0' },
    {
      name: 'client_credential_check',
      expression: "(jwks is not null) = (token_endpoint_auth_method = 'private_key_jwt')",
    },
    // the subject of a client's own access tokens is never that of a person's (RFC 9068 §5)
    { name: 'client_id_check', expression: "client_id !~ '^usr_'" },
    {
      // what a stranger registers never administers, and is never a resource server
      name: 'client_trust_check',
      expression:
        "kind = 'registered' or (not 'admin' = any(scopes) and resource_server is null and cardinality(redirect_uris) > 0)",
    },
    {
      // without a credential, a client gets access tokens only through a person
      name: 'client_public_check',
      expression: "token_endpoint_auth_method <> 'none' or cardinality(redirect_uris) > 0",
    },
    {
      name: 'client_redirect_uris_check',
      expression:
        "cardinality(redirect_uris) = 0 or (not 'admin' = any(scopes) and resource_server is null and not one_token_at_a_time)",
    },
  ],
  triggers: [
    {
      // a trigger also notifies of changes that an operator makes with SQL; every auth process caches clients
      name: 'client_changes',
      timing: 'after',
      events: ['insert', 'update', 'delete'],
      body: `perform pg_notify('${CLIENT_CHANGES_CHANNEL}', coalesce(new.client_id, old.client_id)); return null`,
    },
  ],
});

export type ClientRow = InferEntity<typeof ClientEntity>;

/**
 * A public key of a client, a JWK (RFC 7517 §4). `exp` is the second at which a replaced key stops being valid, as in the
 * IANA registry of JWK parameters. A key without it is valid until it is replaced.
 */
export type ClientKey = Record<string, unknown> & { exp?: number };

/** The public keys of a client, a JWK Set (RFC 7517 §5). */
export type ClientKeys = { keys: ClientKey[] };
