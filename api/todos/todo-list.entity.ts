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
    /** The sequence of the newest change that was deleted. */
    forgotten: p.bigint('number').default(0),
    /** The time of the newest change. The next change has a later time. */
    changedAt: p.datetime(3).defaultRaw("'-infinity'"),
    /** The number of todos, also of deleted ones. It counts against the quota, like `bytes`. */
    todos: p.integer().default(0),
    /** The bytes of the text of these todos, see `todoBytes`. */
    bytes: p.bigint('number').default(0),
    /** The bytes of the changes in the change feed, see `changeBytes`. */
    changeBytes: p.bigint('number').default(0),
  },
});
