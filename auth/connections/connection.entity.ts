import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/**
 * A person's consent to one client: what oidc-provider calls a grant. The access tokens, refresh tokens and authorization
 * codes of the connection live and end with this row.
 */
export const ConnectionEntity = defineEntity({
  name: 'Connection',
  tableName: 'connection',
  properties: {
    id: p.string().primary(),
    accountId: p.string().index(),
    clientId: p.string().index(),
    /** The name of the client as the consent page showed it. */
    clientName: p.string(),
    /** The host to which the authorization response went. */
    redirectHost: p.string(),
    /** The resource identifier for which the client gets access tokens. */
    resource: p.string(),
    /** The granted scopes. */
    scopes: p.array(),
    createdAt: p.datetime().defaultRaw('now()'),
    /** When an authorization code or refresh token was last redeemed; null when none was. */
    lastUsedAt: p.datetime().nullable(),
    expiresAt: p.datetime().index(),
    /** How often a refresh token was used again within its grace, and the networks from which that happened. */
    repeatedUses: p.integer().default(0),
    repeatedUseNetworks: p.array().defaultRaw("'{}'"),
  },
});

export type ConnectionRow = InferEntity<typeof ConnectionEntity>;
