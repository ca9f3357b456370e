import { defineEntity, p } from '@mikro-orm/core';

/** The name of the channel that is notified of changes: the number of the last one, and a hash of whose it is. */
export const TODO_CHANGES = 'todo_changes';

/** A change of a todo, as the change feed tells it. */
export const TodoChangeEntity = defineEntity({
  name: 'TodoChange',
  tableName: 'todo_change',
  properties: {
    owner: p.text().primary(),
    sequence: p.bigint('number').primary(),
    change: p.text(),
    todoId: p.uuid(),
    version: p.integer(),
    /** The todo after the change; none when it was deleted. */
    todo: p.json().columnType('json').nullable(),
    at: p.datetime(3),
  },
  indexes: [{ properties: ['at'] }],
});
