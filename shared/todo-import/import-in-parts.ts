import { inChunks } from '../in-chunks.ts';
import type { ImportCounts } from '../todo/import-counts.ts';
import { IMPORT_TRANSACTION } from '../todo/limits.ts';
import type { PreparedTodo } from './prepare-import.ts';

/**
 * Imports todos one part after another, in their order. The API stores each part in one transaction.
 * @param send sends one part to the todo API.
 * @param reportProgress called before the first part and after each one.
 * @throws {ImportInterruptedError} when a part is not imported.
 */
export async function importInParts(
  todos: readonly PreparedTodo[],
  {
    send,
    reportProgress,
  }: {
    send: (part: readonly PreparedTodo[]) => Promise<ImportCounts>;
    reportProgress?: ((done: number, total: number) => unknown) | undefined;
  },
): Promise<ImportCounts> {
  let counts: ImportCounts = { created: 0, skipped: 0 };
  let done = 0;
  await reportProgress?.(done, todos.length);
  for (const part of inChunks(todos, IMPORT_TRANSACTION)) {
    const { created, skipped } = await send(part).catch((cause: unknown) => {
      throw new ImportInterruptedError({ counts, total: todos.length, cause });
    });
    counts = { created: counts.created + created, skipped: counts.skipped + skipped };
    done += part.length;
    await reportProgress?.(done, todos.length);
  }
  return counts;
}

/** An import ended before its last todo. `counts` are those of the parts that the API has confirmed; `cause` says why it ended. */
export class ImportInterruptedError extends Error {
  override readonly name = 'ImportInterruptedError';
  readonly counts: ImportCounts;
  readonly total: number;

  constructor({ counts, total, cause }: { counts: ImportCounts; total: number; cause: unknown }) {
    super(`The import ended after ${counts.created + counts.skipped} of ${total} todos`, { cause });
    this.counts = counts;
    this.total = total;
  }
}
