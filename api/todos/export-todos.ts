import { Readable } from 'node:stream';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import { MAX_PAGE_SIZE } from '../../shared/todo/limits.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todos } from './todos.ts';

/**
 * Writes every todo of `owner` as a line of JSON, the oldest first, as fast as it is read. A page at a time: neither all of
 * them in memory, nor a connection to the database for whoever reads slowly. When this resolves the first page is read;
 * what fails later breaks the answer off.
 * @param beforeWrite is asked before each further page, and throws when there may be none.
 */
export async function exportTodos(todos: Todos, owner: string, beforeWrite: () => Promise<unknown>): Promise<Readable> {
  let page = await readPage();
  return Readable.from(lines());

  async function* lines(): AsyncGenerator<string> {
    while (true) {
      yield page.todos.map((todo) => `${JSON.stringify(todo)}\n`).join('');
      if (page.next === undefined) return;
      await beforeWrite();
      page = await readPage(page.next).catch((cause) => {
        // of a connection to the database that broke, or it looks like the caller's
        throw new ServiceUnavailableError('database_unavailable', 'The next todos could not be read', { cause });
      });
    }
  }

  function readPage(cursor?: string) {
    return todos.list(
      owner,
      TodoListQuery.parse({ limit: String(MAX_PAGE_SIZE), ...(cursor !== undefined && { cursor }) }),
    );
  }
}
