import { defineEntity, p } from '@mikro-orm/core';

/**
 * Indexes of a status list that belong to the tokens of one client, its holder. Usually this is a block from which one
 * auth process assigns indexes in memory. A shared lease is the one index that a token of the holder has in common with
 * the subject token from which it was exchanged.
 */
export const LeaseEntity = defineEntity({
  name: 'Lease',
  tableName: 'lease',
  properties: {
    id: p.bigint().primary().autoincrement(),
    list: p.integer(),
    start: p.integer(),
    length: p.integer(),
    /** The id of the client. */
    holder: p.string(),
    /** The connection to whose access tokens the indexes belong; null for tokens that the client got by itself. */
    connectionId: p.string().nullable(),
    expiresAt: p.datetime(),
    /** Whether the index was assigned to a token of another client, from which a token of the holder was exchanged. */
    shared: p.boolean().default(false),
  },
  indexes: [{ properties: ['holder'] }, { properties: ['connectionId'] }],
  uniques: [{ properties: ['list', 'start', 'holder'] }],
});
