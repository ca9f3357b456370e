import { defineEntity, p } from '@mikro-orm/core';

/** The password of an account. */
export const PasswordEntity = defineEntity({
  name: 'Password',
  tableName: 'password',
  properties: {
    accountId: p.string().primary(),
    /** An argon2id hash in the PHC string format. */
    hash: p.text(),
    changedAt: p.datetime().defaultRaw('now()'),
  },
});
