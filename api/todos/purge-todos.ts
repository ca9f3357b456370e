import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';
import { TODO_BYTES } from './quota.ts';
import { CHANGE_BYTES } from './trim-changes.ts';

const RETENTION = `interval '${RETENTION_DAYS} days'`;

/**
 * Removes the todos that were deleted, and the changes that were made, more than `RETENTION_DAYS` ago. The removed todos no
 * longer count against the quota of their owner.
 */
export async function purgeTodos(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    // locks the lists first, as each writer does, so that a todo that is being restored is not removed
    await transaction.execute(
      `select 1 from api.todo_list where owner in (
         select owner from api.todo where deleted_at < now() - ${RETENTION}
         union select owner from api.todo_change where at < now() - ${RETENTION}
       ) order by owner for update`,
    );
    // a client whose `since` is older than this gets 410, and does not miss a change without noticing it
    await transaction.execute(
      `with forgotten as (
         select owner, max(sequence) as sequence from api.todo_change where at < now() - ${RETENTION} group by owner
       )
       update api.todo_list set forgotten = forgotten.sequence from forgotten where todo_list.owner = forgotten.owner`,
    );
    await transaction.execute(
      `with deleted as (
         delete from api.todo_change using api.todo_list
         where todo_change.owner = todo_list.owner and todo_change.sequence <= todo_list.forgotten
         returning todo_change.owner, ${CHANGE_BYTES} as bytes
       ), total as (select owner, sum(bytes) as bytes from deleted group by owner)
       update api.todo_list set change_bytes = change_bytes - total.bytes
       from total where todo_list.owner = total.owner`,
    );
    await transaction.execute(
      `with purged as (
         delete from api.todo where deleted_at < now() - ${RETENTION} returning owner, ${TODO_BYTES} as bytes
       ), total as (select owner, count(*) as todos, sum(bytes) as bytes from purged group by owner)
       update api.todo_list set todos = todo_list.todos - total.todos, bytes = todo_list.bytes - total.bytes
       from total where todo_list.owner = total.owner`,
    );
  });
}
