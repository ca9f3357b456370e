import { defineEntity, p } from '@mikro-orm/core';
import { notifyStatusChanges } from '../status-lists/status-changes.ts';

/** A range of revoked indexes: one index for a token, or the block of a lease of a client. */
export const RevocationEntity = defineEntity({
  name: 'Revocation',
  tableName: 'revocation',
  properties: {
    /** Rows are committed in this order, so a reader that has read one row has read every earlier row. */
    sequence: p.bigint('number').primary().autoincrement(),
    list: p.integer().index(),
    start: p.integer(),
    length: p.integer(),
    reason: p.text(),
    /** The id of the client that revoked. */
    actor: p.text(),
    at: p.datetime(),
  },
  triggers: [notifyStatusChanges('revocation_changes')],
});
