import type { OrmDefinition } from '../../shared/database/orm.ts';
import { IdempotencyKeyEntity } from '../idempotency/idempotency-key.entity.ts';
import { TodoChangeEntity } from '../todos/change-feed/todo-change.entity.ts';
import { TodoEntity } from '../todos/todo.entity.ts';
import { TodoListEntity } from '../todos/todo-list.entity.ts';
import { Migration20261123132755_todos } from './migrations/Migration20261123132755_todos.ts';
import { Migration20261123215900_todo_contract } from './migrations/Migration20261123215900_todo_contract.ts';
import { Migration20261126073000_todo_key } from './migrations/Migration20261126073000_todo_key.ts';
import { Migration20261126073100_todo_quota } from './migrations/Migration20261126073100_todo_quota.ts';
import { Migration20261126160000_word_index } from './migrations/Migration20261126160000_word_index.ts';
import { Migration20261128123000_search_in_every_language } from './migrations/Migration20261128123000_search_in_every_language.ts';
import { Migration20261128135859_due_on } from './migrations/Migration20261128135859_due_on.ts';
import { Migration20261128211336_due_once } from './migrations/Migration20261128211336_due_once.ts';

/** The entities and migrations of the todo API, in the schema `api`. */
export const apiDatabase: OrmDefinition = {
  schema: 'api',
  entities: [TodoEntity, TodoListEntity, TodoChangeEntity, IdempotencyKeyEntity],
  migrations: [
    { name: 'Migration20261123132755_todos', class: Migration20261123132755_todos },
    { name: 'Migration20261123215900_todo_contract', class: Migration20261123215900_todo_contract },
    { name: 'Migration20261126073000_todo_key', class: Migration20261126073000_todo_key },
    { name: 'Migration20261126073100_todo_quota', class: Migration20261126073100_todo_quota },
    { name: 'Migration20261126160000_word_index', class: Migration20261126160000_word_index },
    {
      name: 'Migration20261128123000_search_in_every_language',
      class: Migration20261128123000_search_in_every_language,
    },
    { name: 'Migration20261128135859_due_on', class: Migration20261128135859_due_on },
    { name: 'Migration20261128211336_due_once', class: Migration20261128211336_due_once },
  ],
};
