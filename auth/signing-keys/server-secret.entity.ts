import { defineEntity, p } from '@mikro-orm/core';

/** A secret of the authorization server that every process needs, such as the key of cookie signatures. */
export const ServerSecretEntity = defineEntity({
  name: 'ServerSecret',
  tableName: 'server_secret',
  properties: {
    name: p.string().primary(),
    /** The secret as a compact JWE (RFC 7516), encrypted with the key encryption key. */
    encryptedValue: p.text(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});
