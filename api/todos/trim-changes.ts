import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TodoChange } from '../../shared/todo/change-feed.ts';
import { MAX_CHANGE_FEED_BYTES } from '../../shared/todo/limits.ts';

/** The changes that one statement deletes: a long statement delays all requests on the embedded database. */
const CHANGES_PER_STATEMENT = 100;

/** The changes of a list that are kept: those after `forgotten` up to `sequence`, with `changeBytes` bytes. */
type KeptChanges = { readonly sequence: number; readonly forgotten: number; readonly changeBytes: number };

/**
 * Deletes the oldest changes of `owner` until the others have at most `MAX_CHANGE_FEED_BYTES`. Without this, a client that
 * changes one todo again and again would fill the database. A reader that has not read them gets 410, and lists the todos.
 */
export async function trimChanges(
  transaction: SqlEntityManager,
  owner: string,
  { sequence, forgotten, changeBytes }: KeptChanges,
): Promise<Omit<KeptChanges, 'sequence'>> {
  if (changeBytes <= MAX_CHANGE_FEED_BYTES || sequence - forgotten <= CHANGES_PER_STATEMENT)
    return { forgotten, changeBytes };
  const next = forgotten + CHANGES_PER_STATEMENT;
  const [deleted] = await transaction.execute<{ bytes: number }[]>(
    `with deleted as (
       delete from api.todo_change where owner = ? and sequence <= ? returning ${CHANGE_BYTES} as bytes
     )
     select coalesce(sum(bytes), 0)::float8 as bytes from deleted`,
    [owner, next],
  );
  return trimChanges(transaction, owner, {
    sequence,
    forgotten: next,
    changeBytes: changeBytes - (deleted?.bytes ?? 0),
  });
}

/** The bytes of a change that count: the todo after it, as JSON in UTF-8. */
export function changeBytes({ todo }: Pick<TodoChange, 'todo'>): number {
  return todo === null ? 0 : Buffer.byteLength(JSON.stringify(todo));
}

/** The same as `changeBytes`, for a row of `api.todo_change` in SQL. */
export const CHANGE_BYTES = 'coalesce(octet_length(todo::text), 0)';
