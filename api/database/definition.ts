import type { OrmDefinition } from '../../shared/database/orm.ts';
import { TodoEntity } from '../todos/todo.entity.ts';
import { Migration20261123132755_todos } from './migrations/Migration20261123132755_todos.ts';

/** The todo API's part of a database. */
export const apiDatabase: OrmDefinition = {
  schema: 'api',
  entities: [TodoEntity],
  migrations: [{ name: 'Migration20261123132755_todos', class: Migration20261123132755_todos }],
};
