import { Readable } from 'node:stream';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import { MAX_PAGE_SIZE } from '../../shared/todo/limits.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todos } from './todos.ts';

/**
 * Streams every todo of `owner` as a line of JSON, the oldest first. It reads one page at a time, when the client has read
 * the page before: so an export needs little memory, and a slow client holds no database connection. The promise resolves
 * when the first page is read. A later failure breaks off the response.
 * @param beforePage called before each further page; it throws to end the export.
 */
export async function exportTodos(
  todos: Pick<Todos, 'list'>,
  owner: string,
  beforePage: () => Promise<unknown>,
): Promise<Readable> {
  let page = await readPage();
  return Readable.from(lines());

  async function* lines(): AsyncGenerator<string> {
    while (true) {
      yield page.json.map((todo) => `${todo}\n`).join('');
      if (page.next === undefined) return;
      await beforePage();
      page = await readPage(page.next).catch((cause) => {
        // without this, the error of a broken database connection would look like one of the client's connection
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
