import { defineEntity, p } from '@mikro-orm/core';
import { notifyStatusChanges } from '../status-lists/status-changes.ts';
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts';

/**
 * A key with which auth signs access tokens and status lists, will do so, or did so before. Of the keys that are not revoked,
 * the one whose `signsFrom` is the latest in the past signs.
 */
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
    /** When the key begins to sign. It is published before. */
    signsFrom: p.datetime().defaultRaw('now()'),
    /** When the last token that the key signed has expired; null while it has no successor. */
    publishedUntil: p.datetime().nullable(),
    /** When an administrator revoked the key. No token that it signed is accepted from then on. */
    revokedAt: p.datetime().nullable(),
  },
  triggers: [notifyStatusChanges('signing_key_changes', ['insert', 'update', 'delete'])],
});
