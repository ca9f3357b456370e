import { defineEntity, p } from '@mikro-orm/core';

/** What oidc-provider stores between requests: a used client assertion, an authorization code, a session. */
export const ArtifactEntity = defineEntity({
  name: 'Artifact',
  tableName: 'artifact',
  properties: {
    /** The name of the oidc-provider model: `ReplayDetection`, `AuthorizationCode`, … */
    model: p.string().primary(),
    /** The id. Where the id is a secret, it is the SHA-256 of it. */
    id: p.string().primary(),
    payload: p.json<Record<string, unknown>>(),
    /** The id of the connection. */
    grantId: p.string().nullable().index(),
    /** The account of a session. */
    accountId: p.string().nullable().index(),
    uid: p.string().nullable(),
    userCode: p.string().nullable(),
    consumedAt: p.datetime().nullable(),
    expiresAt: p.datetime().nullable().index(),
  },
});
