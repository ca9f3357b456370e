import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** A passkey of an account: a discoverable WebAuthn credential. */
export const PasskeyEntity = defineEntity({
  name: 'Passkey',
  tableName: 'passkey',
  properties: {
    /** The credential id in base64url. */
    id: p.text().primary(),
    accountId: p.string().index(),
    publicKey: p.blob(),
    signCount: p.bigint('number').default(0),
    /** Whether the authenticator copies the passkey to other devices. */
    backedUp: p.boolean(),
    transports: p.array(),
    /** The name that the person gave it. */
    name: p.string(),
    createdAt: p.datetime().defaultRaw('now()'),
    lastUsedAt: p.datetime().nullable(),
  },
});

export type PasskeyRow = InferEntity<typeof PasskeyEntity>;
