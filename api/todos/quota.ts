import { HttpError } from '../../shared/http/http-error.ts';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';
import type { Todo } from '../../shared/todo/todo.ts';

/**
 * A number of todos, and the bytes of their text. Deleted todos count until they are purged, because they can be restored.
 * The change feed does not count.
 */
export type Usage = { readonly todos: number; readonly bytes: number };

/** What one subject can store. */
export type Quota = Usage;

/** The bytes of a todo that count: its title, its description and its tags in UTF-8. */
export function todoBytes({ title, description, tags }: Pick<Todo, 'title' | 'description' | 'tags'>): number {
  return Buffer.byteLength(`${title}${description ?? ''}${tags.join('')}`);
}

/** What todos add to the usage of their owner. */
export function usageOf(todos: readonly Parameters<typeof todoBytes>[0][]): Usage {
  return { todos: todos.length, bytes: todos.reduce((bytes, todo) => bytes + todoBytes(todo), 0) };
}

/** The same as `todoBytes`, for a row of `api.todo` in SQL. */
export const TODO_BYTES =
  "octet_length(title) + coalesce(octet_length(description), 0) + octet_length(array_to_string(tags, ''))";

/**
 * Rejects a transaction that adds `added` to `used` if that is more than `quota`. A transaction that adds nothing is never
 * rejected, so that a subject over its quota can still delete and shorten todos.
 * @throws {QuotaExceededError}
 */
export function requireQuota(quota: Quota, used: Usage, added: Usage): void {
  for (const unit of ['todos', 'bytes'] as const) {
    if (added[unit] > 0 && used[unit] + added[unit] > quota[unit])
      throw new QuotaExceededError(unit, quota[unit], used[unit]);
  }
}

/** The subject would store more than its quota (RFC 4918 §11.5). `used` is what it stored before the transaction. */
export class QuotaExceededError extends HttpError<'quota_exceeded'> {
  override readonly name = 'QuotaExceededError';

  /** The same error for a request whose earlier transactions have written todos. */
  readonly after: (written: number) => QuotaExceededError;

  /** @param written how many todos earlier transactions of the same request have written. */
  constructor(unit: keyof Quota, limit: number, used: number, written = 0) {
    const what = unit === 'todos' ? 'todos' : 'bytes of text in todos';
    const done =
      written === 0
        ? 'Nothing was written.'
        : `Other requests wrote meanwhile: ${written} todos of this request were written, and the others were not.`;
    super(
      'quota_exceeded',
      `You can store ${limit} ${what}, and you store ${used}. ${done} Deleted todos count for ${RETENTION_DAYS} days.`,
      { members: { limit, used, unit } },
    );
    this.after = (alreadyWritten) => new QuotaExceededError(unit, limit, used, alreadyWritten);
  }
}
