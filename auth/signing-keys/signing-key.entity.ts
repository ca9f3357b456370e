import { defineEntity, p } from '@mikro-orm/core';

/** The algorithms with which auth can sign access tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export const SIGNING_ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A key with which auth signs access tokens and status lists, or did so before. */
export const SigningKeyEntity = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    /** The JWK thumbprint (RFC 7638). */
    kid: p.string().primary(),
    alg: p.enum(SIGNING_ALGORITHMS),
    /** The private JWK as a compact JWE (RFC 7516), encrypted with the key encryption key. */
    encryptedPrivateKey: p.text(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});
