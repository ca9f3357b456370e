import { defineEntity, p } from '@mikro-orm/core';

/** The channel of notifications about changes. A payload has the sequence of the newest change and the key of the list. */
export const TODO_CHANGES = 'todo_changes';

/** A change of a todo, for the change feed. */
export const TodoChangeEntity = defineEntity({
  name: 'TodoChange',
  tableName: 'todo_change',
  properties: {
    owner: p.text().primary(),
    sequence: p.bigint('number').primary(),
    change: p.text(),
    todoId: p.uuid(),
    version: p.integer(),
    /** The todo after the change, or null when it was deleted. */
    todo: p.json().columnType('json').nullable(),
    at: p.datetime(3),
  },
  indexes: [{ properties: ['at'] }],
});
