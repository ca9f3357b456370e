import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { CLIENT_AUTHENTICATION_METHODS } from './client-authentication-methods.ts';

/** The channel that is notified with a client's id when a client changes. */
export const CLIENT_CHANGES = 'auth_client_changes';

/** A registered client. */
export const ClientEntity = defineEntity({
  name: 'Client',
  tableName: 'client',
  properties: {
    clientId: p.string().primary(),
    name: p.string(),
    /** The scopes it may have, never none. */
    scopes: p.array(),
    /** The resource identifiers that it may ask access tokens for (RFC 8707). */
    resources: p.array(),
    /** The resource identifier that it answers at, when it is a resource server itself: it may exchange tokens made out to it. */
    resourceServer: p.string().nullable(),
    tokenEndpointAuthMethod: p.enum(CLIENT_AUTHENTICATION_METHODS),
    /** Its public keys, a JWK Set (RFC 7517 §5); null when it authenticates with a secret. */
    jwks: p.json<{ keys: Record<string, unknown>[] }>().nullable(),
    /** A client that is not active gets no access token. */
    active: p.boolean().default(true),
    /** Whether it loses its earlier tokens when it gets a new one. */
    oneTokenAtATime: p.boolean().default(false).fieldName('one_token_at_a_time'),
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
  ],
  triggers: [
    {
      // whoever changes a client, with SQL too, is heard by every process that keeps it in memory
      name: 'client_changes',
      timing: 'after',
      events: ['insert', 'update', 'delete'],
      body: `perform pg_notify('${CLIENT_CHANGES}', coalesce(new.client_id, old.client_id)); return null`,
    },
  ],
});

export type ClientRow = InferEntity<typeof ClientEntity>;
