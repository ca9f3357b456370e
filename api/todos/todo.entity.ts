import { defineEntity, p, Type } from '@mikro-orm/core';

/** Words as a search of PostgreSQL has them: it parses no text by itself, so that they are the same in every database. */
class Words extends Type<readonly string[], string> {
  override getColumnType(): string {
    return 'tsvector';
  }

  override convertToDatabaseValue(words: readonly string[]): string {
    return JSON.stringify(words);
  }

  override convertToDatabaseValueSQL(json: string): string {
    return `array_to_tsvector(array(select jsonb_array_elements_text(${json}::jsonb)))`;
  }
}

/** A list of any text: MikroORM's own does not quote ` a` and `null`, and escapes as JSON does and PostgreSQL does not. */
class Texts extends Type<readonly string[], string> {
  override getColumnType(): string {
    return 'text[]';
  }

  override convertToDatabaseValue(texts: readonly string[]): string {
    return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
  }
}

/** A todo of one owner. */
export const TodoEntity = defineEntity({
  name: 'Todo',
  tableName: 'todo',
  properties: {
    id: p.uuid().primary(),
    /** The subject of the access token that created it: nobody else sees it. */
    owner: p.text(),
    title: p.text(),
    description: p.text().nullable(),
    completed: p.boolean(),
    completedAt: p.datetime(3).nullable(),
    dueAt: p.datetime(3).nullable(),
    /** 1 is the most urgent of four. */
    priority: p.smallint(),
    tags: p.type(Texts),
    position: p.double(),
    version: p.integer(),
    /** The words of title and description, as a search finds them. */
    words: p.type(Words),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    /** Since when it is hidden. After a while it is gone for good. */
    deletedAt: p.datetime(3).nullable(),
  },
  // one for each order that a list may have, so that a page costs the same however long the list is
  indexes: [
    { name: 'todo_by_created_at', expression: page('todo_by_created_at', 'created_at, id') },
    { name: 'todo_by_updated_at', expression: page('todo_by_updated_at', 'updated_at, id') },
    { name: 'todo_by_due_at', expression: page('todo_by_due_at', "coalesce(due_at, 'infinity'), created_at, id") },
    { name: 'todo_by_priority', expression: page('todo_by_priority', 'priority, created_at, id') },
    { name: 'todo_by_position', expression: page('todo_by_position', 'position, id') },
    // what is open is looked at most, and is a small part of what there is after some years
    {
      name: 'todo_open_by_created_at',
      expression: page('todo_open_by_created_at', 'created_at, id', ' and not completed'),
    },
    {
      name: 'todo_open_by_due_at',
      expression: page('todo_open_by_due_at', "coalesce(due_at, 'infinity'), created_at, id", ' and not completed'),
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
