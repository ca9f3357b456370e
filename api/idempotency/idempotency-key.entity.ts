import { defineEntity, p } from '@mikro-orm/core';

/** What a request with an Idempotency-Key was answered. */
export const IdempotencyKeyEntity = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    owner: p.text().primary(),
    key: p.text().primary(),
    /** A hash of what was asked: another request must not have the same key. */
    fingerprint: p.text(),
    answer: p.json().columnType('json'),
    createdAt: p.datetime(3).defaultRaw('now()'),
  },
  indexes: [{ properties: ['createdAt'] }],
});
