import { defineEntity, p, type TriggerDef } from '@mikro-orm/core';

/** The channel that is notified when a list is made or a token is revoked. */
export const STATUS_CHANGES = 'auth_status_changes';

/** A status list (draft-ietf-oauth-status-list-21). Its bits are not stored: they follow from the revocations. */
export const StatusListEntity = defineEntity({
  name: 'StatusList',
  tableName: 'status_list',
  properties: {
    id: p.integer().primary().autoincrement(),
    /** The first index that no block was leased of. */
    nextIndex: p.integer(),
    /** No token on the list lives longer. */
    expiresAt: p.datetime().index(),
  },
  triggers: [notify('status_list_changes')],
});

/**
 * A block of indexes that one holder's tokens get: an auth process takes it whole and hands it out from memory. Or the one
 * index that a holder's token has in common with the token from which it was exchanged.
 */
export const LeaseEntity = defineEntity({
  name: 'Lease',
  tableName: 'lease',
  properties: {
    id: p.bigint().primary().autoincrement(),
    list: p.integer(),
    start: p.integer(),
    length: p.integer(),
    /** The client whose tokens these are. */
    holder: p.string(),
    expiresAt: p.datetime(),
    /** Whether the index is that of another client's token, from which the holder's was exchanged. */
    shared: p.boolean().default(false),
  },
  indexes: [{ properties: ['holder'] }],
  uniques: [{ properties: ['list', 'start', 'holder'] }],
});

/** A range of indexes whose tokens are revoked: one for a token, a block for each lease of a client. */
export const RevocationEntity = defineEntity({
  name: 'Revocation',
  tableName: 'revocation',
  properties: {
    /** Rows are committed in this order: whoever has read one has read all before it. */
    sequence: p.bigint('number').primary().autoincrement(),
    list: p.integer().index(),
    start: p.integer(),
    length: p.integer(),
    reason: p.text(),
    /** Who revoked: a client id. */
    actor: p.text(),
    at: p.datetime(),
  },
  triggers: [notify('revocation_changes')],
});

function notify(name: string): TriggerDef {
  return {
    name,
    timing: 'after',
    events: ['insert'],
    forEach: 'statement',
    body: `perform pg_notify('${STATUS_CHANGES}', ''); return null`,
  };
}
