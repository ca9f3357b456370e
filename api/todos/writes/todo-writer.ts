import type { Logger } from 'pino';
import type { Database } from '../../../shared/database/database.ts';
import type { ObservePool } from '../../../shared/database/observe-pools.ts';
import { inChunks } from '../../../shared/in-chunks.ts';
import type { ImportCounts } from '../../../shared/todo/import-counts.ts';
import { IMPORT_TRANSACTION, MAX_CHANGE_FEED_BYTES } from '../../../shared/todo/limits.ts';
import type { ImportedTodo } from '../../../shared/todo/todo.ts';
import type { InContext } from '../../../shared/tracing/tracing.ts';
import { createKeyLock, type IdempotentRequest } from '../../idempotency/idempotency.ts';
import { type ChangedList, createChangeNotifier, listKey } from '../change-feed/change-notifications.ts';
import { trimChanges } from '../change-feed/trim-changes.ts';
import { deriveIds } from '../derive-ids.ts';
import { type Quota, QuotaExceededError } from '../quota.ts';
import type { Write } from './grouped-write.ts';
import type { TodoList } from './list-in-memory.ts';
import { type ListTransaction, openListTransactions } from './list-transactions.ts';
import { createRememberedLists } from './remembered-lists.ts';
import { createWriteGroup } from './write-group.ts';
import { createWriteQueue } from './write-queue.ts';

type WriteOptions = {
  readonly idempotency?: IdempotentRequest | undefined;
  /** Called before each transaction, when the earlier writes of this owner have ended. It throws to cancel the write. */
  readonly beforeWrite?: () => Promise<unknown>;
};

/** Writes todos. Disposing it waits for the writes that have begun. */
export type TodoWriter = AsyncDisposable & {
  /**
   * Writes the todos of one owner. The writes of one owner run one after another. Writes of several owners are stored
   * together in one transaction, which costs the database little more than one of them. For an idempotent request, the answer
   * is stored with the write, and a repeated request gets the stored answer.
   */
  readonly write: <T>(owner: string, write: Write<T>, options?: WriteOptions) => Promise<T>;
  /**
   * Adds todos in several transactions, so that other writes, also of the same owner, can run between them. Nothing is
   * written if all todos together would exceed the quota. An import that fails later, for example because another request
   * has used the rest of the quota, leaves the todos of the transactions before; if it is repeated, it skips them. For an
   * idempotent request, todos without an id get ids that are the same in each repetition, and the answer is stored in the
   * last transaction.
   */
  readonly importTodos: (
    owner: string,
    todos: readonly ImportedTodo[],
    options?: WriteOptions,
  ) => Promise<ImportCounts>;
  /** Runs a transaction on the list of an owner between two writes. `work` locks the list, because other processes write too. */
  readonly maintain: (owner: string, work: (transaction: ListTransaction) => Promise<void>) => Promise<void>;
};

/**
 * Groups of writes that are stored at the same time on PostgreSQL: more groups of small writes are smaller, which costs more
 * than it gains. One owner is in one of them only.
 */
const GROUPS = { all: 3, grouped: 2, alone: 2 };

/** The embedded database runs one transaction at a time. */
const EMBEDDED_GROUPS = { all: 1, grouped: 1, alone: 1 };

/**
 * Opens the writer of todos.
 * @param onChange called for each list that has changed, when its change is committed.
 */
export function openTodoWriter({
  database,
  quota,
  onChange,
  logger,
  observe,
  captureContext,
}: {
  database: Database;
  quota: Quota;
  onChange: (list: ChangedList) => void;
  logger: Logger;
  observe?: ObservePool | undefined;
  captureContext?: (() => InContext) | undefined;
}): TodoWriter {
  const isEmbedded = database.kind === 'embedded';
  const transactions = openListTransactions({ database, maxTransactions: GROUPS.all, logger, observe });
  const notifier = createChangeNotifier({ transactions, logger });
  const remembered = createRememberedLists();
  const queue = createWriteQueue({
    writeGroup: createWriteGroup({
      transactions,
      remembered,
      quota,
      onCommit({ owner, sequence, changeBytes }) {
        const list = { key: listKey(owner), sequence };
        onChange(list);
        // another process cannot use the embedded database
        if (!isEmbedded) notifier.notify(list);
        if (changeBytes > MAX_CHANGE_FEED_BYTES) trim(owner);
      },
    }),
    limits: isEmbedded ? EMBEDDED_GROUPS : GROUPS,
    captureContext,
    pauses: isEmbedded,
  });
  const withKeyLock = createKeyLock();

  return {
    write: (owner, write, { idempotency: request, beforeWrite } = {}) =>
      withKeyLock(owner, request, async () => {
        const idempotency = request && { request, keepAnswer: true };
        return (await queue.write(owner, write, { idempotency, beforeWrite })).answer;
      }),
    importTodos: (owner, sent, { idempotency: request, beforeWrite } = {}) =>
      withKeyLock(owner, request, async () => {
        const todos = request === undefined ? sent : deriveIds(sent, request);
        const parts = todos.length === 0 ? [[]] : inChunks(todos, IMPORT_TRANSACTION);
        let imported: ImportCounts = { created: 0, skipped: 0 };
        for (const [index, part] of parts.entries()) {
          const addPart = (list: TodoList): ImportCounts => {
            if (index === 0) list.requireRoom(todos);
            const { created, skipped } = list.add(part);
            return { created: imported.created + created, skipped: imported.skipped + skipped };
          };
          const newIds = (index === 0 ? todos : part).flatMap(({ id }) => id ?? []);
          const idempotency = request && { request, keepAnswer: index === parts.length - 1 };
          const { answer, isRepeated } = await queue
            .write(owner, { ids: [], newIds, todos: part.length, apply: addPart }, { idempotency, beforeWrite })
            .catch((error: unknown) => {
              throw error instanceof QuotaExceededError ? error.after(imported.created) : error;
            });
          if (isRepeated) return answer;
          imported = answer;
        }
        return imported;
      }),
    maintain,
    async [Symbol.asyncDispose]() {
      await queue.idle();
      await notifier.end();
      await transactions[Symbol.asyncDispose]();
    },
  };

  function maintain(owner: string, work: (transaction: ListTransaction) => Promise<void>): Promise<void> {
    return queue.runExclusive(owner, () => {
      remembered.forget(owner);
      return transactions.run(work);
    });
  }

  /** Deletes old changes before the next write of the owner. If it fails, the next write tries again. */
  function trim(owner: string): void {
    maintain(owner, (transaction) => trimChanges(transaction, owner)).catch((err) =>
      logger.warn({ event: 'todo_changes.trim_failed', err }, 'old changes were not deleted'),
    );
  }
}
