import { defineEntity, p } from '@mikro-orm/core';

/** What oidc-provider stores between requests: a used client assertion, an authorization code, a grant. */
export const ArtifactEntity = defineEntity({
  name: 'Artifact',
  tableName: 'artifact',
  properties: {
    /** The name of the oidc-provider model: `ReplayDetection`, `AuthorizationCode`, … */
    model: p.string().primary(),
    id: p.string().primary(),
    payload: p.json<Record<string, unknown>>(),
    grantId: p.string().nullable().index(),
    uid: p.string().nullable(),
    userCode: p.string().nullable(),
    consumedAt: p.datetime().nullable(),
    expiresAt: p.datetime().nullable().index(),
  },
});
