import { defineEntity, p } from '@mikro-orm/core';

/** The algorithms that access tokens can be signed with (RFC 7518 §3.1, RFC 8037 §3.1). */
export const SIGNING_ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A key that access tokens are, or were, signed with. */
export const SigningKeyEntity = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    /** Its JWK thumbprint (RFC 7638). */
    kid: p.string().primary(),
    alg: p.enum(SIGNING_ALGORITHMS),
    /** The private JWK, encrypted: a compact JWE (RFC 7516) under the key encryption key. */
    encryptedPrivateKey: p.text(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});
