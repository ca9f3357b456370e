import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** What a one-time link is for. */
const LINK_KINDS = ['setup', 'invitation', 'recovery'] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

/** A one-time link with which a person makes an account or gets new ways to sign in. */
export const OneTimeLinkEntity = defineEntity({
  name: 'OneTimeLink',
  tableName: 'one_time_link',
  properties: {
    /** The SHA-256 of the token in the link. */
    hash: p.string().primary(),
    kind: p.enum(LINK_KINDS),
    /** The account of a recovery. */
    accountId: p.string().nullable().index(),
    /** The user name of an invitation. */
    displayName: p.string().nullable(),
    createdBy: p.string().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
    expiresAt: p.datetime().index(),
  },
});

export type OneTimeLinkRow = InferEntity<typeof OneTimeLinkEntity>;
