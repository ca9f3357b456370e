import { defineEntity, p } from '@mikro-orm/core';

/** A todo of one owner. */
export const TodoEntity = defineEntity({
  name: 'Todo',
  tableName: 'todo',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    /** The subject of the access token that created it: nobody else sees it. */
    owner: p.text(),
    title: p.text(),
    description: p.text().nullable(),
    completed: p.boolean().default(false),
    createdAt: p.datetime(3).defaultRaw('now()'),
    updatedAt: p.datetime(3).defaultRaw('now()'),
  },
  // a list is read in this order
  indexes: [{ properties: ['owner', 'createdAt', 'id'] }],
});
