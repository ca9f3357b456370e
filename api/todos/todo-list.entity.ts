import { defineEntity, p } from '@mikro-orm/core';

/**
 * The todo list of one owner. Each write of a todo locks the row of its owner, so that the changes of an owner are committed
 * in the order of their sequence.
 */
export const TodoListEntity = defineEntity({
  name: 'TodoList',
  tableName: 'todo_list',
  properties: {
    owner: p.text().primary(),
    /** The sequence of the newest change. */
    sequence: p.bigint('number').default(0),
    /** The sequence of the newest change that was purged. */
    forgotten: p.bigint('number').default(0),
    /** The time of the newest change. The next change has a later time. */
    changedAt: p.datetime(3).defaultRaw("'-infinity'"),
  },
});
