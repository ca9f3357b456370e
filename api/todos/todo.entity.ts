import { defineEntity, p } from '@mikro-orm/core';

/** A todo of one owner. The fields of the contract have the same names here, see `todo-row.ts`. */
export const TodoEntity = defineEntity({
  name: 'Todo',
  tableName: 'todo',
  properties: {
    /** The subject of the access token that created the todo. No other subject can see the todo. */
    owner: p.text().primary(),
    /** Unique for its owner. Another owner can have a todo with the same id, so that an import keeps its ids. */
    id: p.uuid().primary(),
    title: p.text(),
    description: p.text().nullable(),
    completed: p.boolean(),
    completed_at: p.datetime(3).nullable(),
    due_at: p.datetime(3).nullable(),
    /** A day in no time zone. At most one of `due_at` and `due_on` is set. */
    due_on: p.date().nullable(),
    /** 1 is the most urgent. */
    priority: p.smallint(),
    tags: p.array().columnType('text[]'),
    position: p.double(),
    version: p.integer(),
    /**
     * The words of the title and the description, for the text search. The program splits them, so that the language settings
     * of a database do not change the result of a search.
     */
    words: p.text().columnType('tsvector'),
    created_at: p.datetime(3),
    updated_at: p.datetime(3),
    /** When the todo was deleted. It can be restored until it is purged. */
    deleted_at: p.datetime(3).nullable(),
  },
  // a process of a version without `due_on`, which runs beside this one during an upgrade, changes only `due_at`
  triggers: [
    {
      name: 'due_once',
      timing: 'before',
      events: ['update'],
      // as PostgreSQL writes it
      when: '((new.due_at IS NOT NULL) AND (new.due_on IS NOT NULL))',
      body: 'NEW.due_on := null; return NEW',
    },
  ],
  // one for each order of a list, so that a page of a long list costs no more than a page of a short one
  indexes: [
    { name: 'todo_by_created_at', expression: page('todo_by_created_at', 'created_at, id') },
    { name: 'todo_by_updated_at', expression: page('todo_by_updated_at', 'updated_at, id') },
    {
      name: 'todo_by_due_at',
      expression: page('todo_by_due_at', "coalesce(due_at, 'infinity'), created_at, id", ' and due_on is null'),
    },
    { name: 'todo_by_due_on', expression: page('todo_by_due_on', 'due_on, created_at, id', ' and due_on is not null') },
    { name: 'todo_by_priority', expression: page('todo_by_priority', 'priority, created_at, id') },
    { name: 'todo_by_position', expression: page('todo_by_position', 'position, id') },
    // most requests list open todos, which are a small part of all todos after some years
    {
      name: 'todo_open_by_created_at',
      expression: page('todo_open_by_created_at', 'created_at, id', ' and not completed'),
    },
    {
      name: 'todo_open_by_due_at',
      expression: page(
        'todo_open_by_due_at',
        "coalesce(due_at, 'infinity'), created_at, id",
        ' and due_on is null and not completed',
      ),
    },
    {
      name: 'todo_open_by_due_on',
      expression: page('todo_open_by_due_on', 'due_on, created_at, id', ' and due_on is not null and not completed'),
    },
    { name: 'todo_by_tag', expression: 'create index todo_by_tag on api.todo using gin (tags)' },
    { name: 'todo_by_word', expression: 'create index todo_by_word on api.todo using gin (words)' },
    {
      name: 'todo_by_deleted_at',
      expression: 'create index todo_by_deleted_at on api.todo (deleted_at) where deleted_at is not null',
    },
  ],
});

function page(name: string, columns: string, where = ''): string {
  return `create index ${name} on api.todo (owner, ${columns}) where deleted_at is null${where}`;
}
