import { defineEntity, p } from '@mikro-orm/core';

/** Something that oidc-provider keeps between requests: a used client assertion, an authorization code, a grant. */
export const ArtifactEntity = defineEntity({
  name: 'Artifact',
  tableName: 'artifact',
  properties: {
    /** oidc-provider's name for what it is: `ReplayDetection`, `AuthorizationCode`, … */
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
