import { defineEntity, p } from '@mikro-orm/core';

/** The result of a request with an Idempotency-Key, which a repeated request gets. */
export const IdempotencyKeyEntity = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    owner: p.text().primary(),
    key: p.text().primary(),
    /** A hash of the path and the body: a different request must not have the same key. */
    fingerprint: p.text(),
    answer: p.json().columnType('json'),
    createdAt: p.datetime(3).defaultRaw('now()'),
  },
  indexes: [{ properties: ['createdAt'] }],
});
