import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { type Database, openEmbeddedDatabase } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { NewTodo } from '../../shared/todo/todo.ts';
import { apiDatabase } from '../database/definition.ts';
import { openTodos } from '../todos/todos.ts';

// Writes todos of five owners until it is killed, and prints each acknowledged todo as `owner id version`. The argument is the
// URL of a PostgreSQL database, or the data directory of an embedded one.

const [, , where = ''] = process.argv;
const database: Database = where.startsWith('postgresql:')
  ? { kind: 'postgresql', url: where }
  : await openEmbeddedDatabase(where);
const { em } = await openOrm(database, apiDatabase);
const quota = { todos: 1_000_000, bytes: 1_000_000_000 };
const todos = openTodos({ em, database, quota, logger: pino({ level: 'silent' }) });

await Promise.all(Array.from({ length: 20 }, (_, writer) => writeForever(`owner-${writer % 5}`, writer)));

async function writeForever(owner: string, writer: number): Promise<never> {
  for (let number = 0; ; number++) {
    const todo = NewTodo.parse({ title: `todo ${number} of writer ${writer}` });
    const { id, version } = await todos.write(owner, { ids: [], apply: (list) => list.create(todo) });
    acknowledge(owner, id, version);
    const updated = await todos.write(owner, { ids: [id], apply: (list) => list.update(id, { completed: true }) });
    acknowledge(owner, id, updated.version);
  }
}

function acknowledge(owner: string, id: string, version: number): void {
  writeSync(1, `${owner} ${id} ${version}\n`);
}
