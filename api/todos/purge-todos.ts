import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';

const RETENTION = `interval '${RETENTION_DAYS} days'`;

/** Deletes for good what was deleted long ago, and forgets the changes that are as old. */
export async function purgeTodos(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    // their writers are waited for: what one of them restores is not removed
    await transaction.execute(
      `select 1 from api.todo_list where owner in (
         select owner from api.todo where deleted_at < now() - ${RETENTION}
         union select owner from api.todo_change where at < now() - ${RETENTION}
       ) order by owner for update`,
    );
    // who reads on from before a change that is forgotten must be told so, not be left without it
    await transaction.execute(
      `with forgotten as (
         select owner, max(sequence) as sequence from api.todo_change where at < now() - ${RETENTION} group by owner
       )
       update api.todo_list set forgotten = forgotten.sequence from forgotten where todo_list.owner = forgotten.owner`,
    );
    await transaction.execute(
      `delete from api.todo_change using api.todo_list
       where todo_change.owner = todo_list.owner and todo_change.sequence <= todo_list.forgotten`,
    );
    await transaction.execute(`delete from api.todo where deleted_at < now() - ${RETENTION}`);
  });
}
