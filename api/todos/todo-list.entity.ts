import { defineEntity, p } from '@mikro-orm/core';

/**
 * The todo list of one owner: its row is locked by whoever writes a todo of that owner, so that changes are committed in
 * the order of their sequence.
 */
export const TodoListEntity = defineEntity({
  name: 'TodoList',
  tableName: 'todo_list',
  properties: {
    owner: p.text().primary(),
    /** The number of the last change. */
    sequence: p.bigint('number').default(0),
    /** The number of the last change that is forgotten. */
    forgotten: p.bigint('number').default(0),
    /** When the last change was; the next one is later. */
    changedAt: p.datetime(3).defaultRaw("'-infinity'"),
  },
});
