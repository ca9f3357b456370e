import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** The account of a person. Its id is the subject of the access tokens of the person's assistants. */
export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.string().primary(),
    /** The normalized user name (see username.ts). */
    username: p.string().unique(),
    /** The user name as the person wrote it. */
    displayName: p.string(),
    /** False when an administrator has disabled the account. */
    active: p.boolean().default(true),
    /** A session counts only if the person signed in at this time or later. */
    sessionsFrom: p.datetime().defaultRaw('now()'),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p
      .datetime()
      .defaultRaw('now()')
      .onUpdate(() => new Date()),
    lastSignInAt: p.datetime().nullable(),
  },
});

export type AccountRow = InferEntity<typeof AccountEntity>;

/** What auth knows of an account in a request. */
export type Account = Pick<AccountRow, 'id' | 'username' | 'displayName' | 'active' | 'sessionsFrom'>;
