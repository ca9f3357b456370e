import type { TodoChange } from '../../../shared/todo/change-feed.ts';
import { MAX_CHANGE_FEED_BYTES } from '../../../shared/todo/limits.ts';
import { STATEMENTS, type Statement } from '../writes/list-statements.ts';
import type { ListTransaction } from '../writes/list-transactions.ts';

/** The changes that one statement deletes: a long statement delays all requests on the embedded database. */
const CHANGES_PER_STATEMENT = 100;

/**
 * Deletes the oldest changes of `owner` until the others have at most `MAX_CHANGE_FEED_BYTES`. Without this, a client that
 * changes one todo again and again would fill the database. A reader that has not read them gets 410, and lists the todos.
 */
export async function trimChanges(transaction: ListTransaction, owner: string): Promise<void> {
  const [[list] = []] = await transaction.execute([[STATEMENTS.lockLists, [owner]]]);
  // another process writes to the list, and trims it
  if (list === undefined) return;
  const { sequence } = list as { sequence: number };
  let { forgotten, changeBytes } = list as { forgotten: number; changeBytes: number };
  while (changeBytes > MAX_CHANGE_FEED_BYTES && sequence - forgotten > CHANGES_PER_STATEMENT) {
    forgotten += CHANGES_PER_STATEMENT;
    const [[deleted] = []] = await transaction.execute([[DELETE_CHANGES, owner, forgotten]]);
    changeBytes -= Number(deleted?.bytes);
  }
  await transaction.commit([[SET_KEPT_CHANGES, owner, forgotten, changeBytes]]);
}

/** Deletes the changes up to a sequence, and returns their bytes. */
export const DELETE_CHANGES: Statement = {
  name: 'delete_changes',
  text: `with deleted as (
      delete from api.todo_change where owner = $1 and sequence <= $2 returning coalesce(octet_length(todo::text), 0) as bytes
    )
    select coalesce(sum(bytes), 0)::float8 as bytes from deleted`,
};

const SET_KEPT_CHANGES: Statement = {
  name: 'set_kept_changes',
  text: 'update api.todo_list set forgotten = $2, change_bytes = $3 where owner = $1',
};

/** The bytes of a change that count: the todo after it, as JSON in UTF-8. */
export function changeBytes({ todo }: Pick<TodoChange, 'todo'>): number {
  return todo === null ? 0 : Buffer.byteLength(JSON.stringify(todo));
}
