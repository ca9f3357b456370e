import { defineEntity, p } from '@mikro-orm/core';

/** A WebAuthn challenge that was sent to a browser. It is deleted at its first use. */
export const ChallengeEntity = defineEntity({
  name: 'Challenge',
  tableName: 'challenge',
  properties: {
    /** The SHA-256 of the challenge. */
    hash: p.string().primary(),
    /** What the answer may be used for: a purpose and the page or account that it is bound to. */
    purpose: p.text(),
    expiresAt: p.datetime().index(),
  },
});
