import type { Quota } from '../quota.ts';
import { createDatabaseClock } from './database-clock.ts';
import type { WriteGroup } from './grouped-write.ts';
import type { ListRow } from './list-in-memory.ts';
import type { ListTransactions } from './list-transactions.ts';
import type { RememberedLists } from './remembered-lists.ts';
import { createWriteLocked } from './write-locked.ts';
import { createWriteRemembered } from './write-remembered.ts';

/**
 * Creates the storage of groups of writes. Lists that this process remembers are written in one round trip. All other lists,
 * and those that have changed meanwhile, are locked, read and written.
 * @param onCommit called for each list that has changed, when its change is committed.
 */
export function createWriteGroup(options: {
  transactions: ListTransactions;
  remembered: RememberedLists;
  quota: Quota;
  onCommit: (list: ListRow) => void;
}): WriteGroup {
  const clock = createDatabaseClock();
  const writeRemembered = createWriteRemembered({ ...options, clock });
  const writeLocked = createWriteLocked({ ...options, clock });
  return async function writeGroup(writes) {
    const rest = await writeRemembered(writes);
    return rest.length === 0 ? new Set() : writeLocked(rest);
  };
}
