import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { TodoChange } from '../../../shared/todo/change-feed.ts';
import type { ImportCounts } from '../../../shared/todo/import-counts.ts';
import type { ImportedTodo, NewTodo, Todo, TodoChanges } from '../../../shared/todo/todo.ts';
import { changeBytes } from '../change-feed/trim-changes.ts';
import { type Quota, requireQuota, todoBytes, type Usage, usageOf } from '../quota.ts';
import { TodoNotFoundError } from '../todo-errors.ts';
import { changeDue } from './change-due.ts';

/** Throws when the client expects another todo than `todo`, the current one. */
export type Precondition = (todo: Todo) => void;

/** Changes the todos of one owner in memory. A rejected change throws an `HttpError`. */
export type TodoList = {
  readonly create: (todo: NewTodo) => Todo;
  /** Changes the fields that `changes` has. When no value changes, the version stays. */
  readonly update: (id: string, changes: TodoChanges, precondition?: Precondition) => Todo;
  /** Deletes a todo. It can be restored until it is purged. */
  readonly remove: (id: string, precondition?: Precondition) => void;
  /** Restores a deleted todo. A todo that is not deleted stays as it is. */
  readonly restore: (id: string, precondition?: Precondition) => Todo;
  /** Adds todos. A todo is skipped when the owner already has its id, also as the id of a deleted todo. */
  readonly add: (todos: readonly ImportedTodo[]) => ImportCounts;
  /** Checks that `add` with all these todos would not exceed the quota. @throws {QuotaExceededError} */
  readonly requireRoom: (todos: readonly ImportedTodo[]) => void;
};

/** A todo as it is stored, or is going to be. */
export type StoredTodo = {
  readonly todo: Todo;
  readonly deletedAt: string | null;
  /** Whether the row has to be inserted, or updated. */
  readonly change: 'insert' | 'update' | undefined;
};

/** A change for the change feed. */
type StoredChange = TodoChange & { readonly sequence: number };

/** What `api.todo_list` has of an owner. Times are in milliseconds since 1970. */
export type ListRow = {
  readonly owner: string;
  readonly sequence: number;
  readonly forgotten: number;
  readonly changedAt: number;
  readonly todos: number;
  readonly bytes: number;
  readonly changeBytes: number;
  /** The time of the database for the writes. */
  readonly now: number;
};

/**
 * The list of one owner, with the todos that waiting writes look at. Writes change it in memory one after another, and what
 * it then has is stored. It is locked while they do, or it is stored only if nothing else has changed it.
 */
export type ListInMemory = {
  readonly owner: string;
  /** The row of the list before the writes. */
  readonly before: ListRow;
  /**
   * Applies a write. If `write` throws, the list stays as it was.
   * @returns what `write` returns.
   */
  readonly apply: <T>(write: (list: TodoList) => T) => T;
  /** The row of the list after the writes. */
  readonly row: () => ListRow;
  readonly changes: () => readonly StoredChange[];
  readonly todos: () => readonly StoredTodo[];
};

/**
 * Creates the list of an owner.
 * @param stored the todos that the writes name, by their ids.
 * @param taken further ids that the owner has.
 */
export function createListInMemory(
  before: ListRow,
  { stored, taken, quota }: { stored: Map<string, StoredTodo>; taken: ReadonlySet<string>; quota: Quota },
): ListInMemory {
  let row = before;
  let changes: StoredChange[] = [];
  let usageBefore: Usage = before;
  const list: TodoList = { create, update, remove, restore, add, requireRoom };
  /** The todos before the write that is being applied. */
  let replaced = new Map<string, StoredTodo | undefined>();

  return {
    owner: before.owner,
    before,
    apply(write) {
      const unwritten = { row, count: changes.length };
      replaced = new Map();
      usageBefore = row;
      try {
        return write(list);
      } catch (error) {
        row = unwritten.row;
        changes = changes.slice(0, unwritten.count);
        for (const [id, todo] of replaced)
          if (todo === undefined) stored.delete(id);
          else stored.set(id, todo);
        throw error;
      }
    },
    row: () => row,
    changes: () => changes,
    todos: () => [...stored.values()],
  };

  function create(todo: NewTodo): Todo {
    const [created] = insert([{ id: randomUUID(), ...todo }]);
    if (created === undefined) throw new Error('no todo was created');
    return created;
  }

  function update(id: string, sent: TodoChanges, precondition?: Precondition): Todo {
    const { todo } = get(id);
    precondition?.(todo);
    const changed: Todo = { ...todo, ...sent, ...changeDue(todo, sent) };
    if (isDeepStrictEqual(changed, todo)) return todo;
    const at = nextTime();
    const completedAt = todo.completed ? todo.completed_at : at;
    const updated = {
      ...changed,
      completed_at: changed.completed ? completedAt : null,
      version: todo.version + 1,
      updated_at: at,
    };
    use({ todos: 0, bytes: todoBytes(updated) - todoBytes(todo) });
    record('updated', updated);
    return updated;
  }

  function remove(id: string, precondition?: Precondition): void {
    const { todo } = get(id);
    precondition?.(todo);
    record('deleted', { ...todo, version: todo.version + 1, updated_at: nextTime() });
  }

  function restore(id: string, precondition?: Precondition): Todo {
    const { todo, deletedAt } = get(id, { includeDeleted: true });
    precondition?.(todo);
    if (deletedAt === null) return todo;
    const restored = { ...todo, version: todo.version + 1, updated_at: nextTime() };
    record('restored', restored);
    return restored;
  }

  function add(todos: readonly ImportedTodo[]): ImportCounts {
    const created = insert(selectNew(todos));
    return { created: created.length, skipped: todos.length - created.length };
  }

  function requireRoom(todos: readonly ImportedTodo[]): void {
    requireQuota(quota, row, usageOf(selectNew(todos)));
  }

  /** Selects the todos whose ids the owner does not have, and gives an id to each todo without one. */
  function selectNew(todos: readonly ImportedTodo[]): (ImportedTodo & { id: string })[] {
    const seen = new Set<string>();
    return todos.flatMap((todo) => {
      const { id = randomUUID() } = todo;
      if (seen.has(id) || taken.has(id) || stored.has(id)) return [];
      seen.add(id);
      return [{ ...todo, id }];
    });
  }

  function insert(todos: readonly (ImportedTodo & { id: string })[]): Todo[] {
    const created = todos.map(({ completed_at, created_at, position, updated_at, version, ...todo }): Todo => {
      const at = nextTime();
      return {
        ...todo,
        completed_at: todo.completed ? (completed_at ?? at) : null,
        // after all todos that were created without a position: their positions are times too
        position: position ?? Date.parse(at),
        version: 1,
        created_at: created_at ?? at,
        updated_at: at,
      };
    });
    use(usageOf(created));
    for (const todo of created) record('created', todo);
    return created;
  }

  /** @throws {TodoNotFoundError} */
  function get(id: string, { includeDeleted = false } = {}): StoredTodo {
    const found = stored.get(id);
    if (found === undefined || (found.deletedAt !== null && !includeDeleted)) throw new TodoNotFoundError();
    return found;
  }

  /** Counts what a change adds, which may be less than nothing. @throws {QuotaExceededError} */
  function use({ todos, bytes }: Usage): void {
    row = { ...row, todos: row.todos + todos, bytes: row.bytes + bytes };
    requireQuota(quota, usageBefore, { todos: row.todos - usageBefore.todos, bytes: row.bytes - usageBefore.bytes });
  }

  /** The time of the next change. No two changes of an owner have the same time. */
  function nextTime(): string {
    row = { ...row, changedAt: Math.max(row.now, row.changedAt + 1) };
    return new Date(row.changedAt).toISOString();
  }

  function record(change: TodoChange['change'], todo: Todo): void {
    const { id, version, updated_at: at } = todo;
    const known = stored.get(id);
    if (!replaced.has(id)) replaced.set(id, known);
    stored.set(id, {
      todo,
      deletedAt: change === 'deleted' ? at : null,
      change: change === 'created' || known?.change === 'insert' ? 'insert' : 'update',
    });
    const recorded = { sequence: row.sequence + 1, change, id, version, at, todo: change === 'deleted' ? null : todo };
    changes.push(recorded);
    row = { ...row, sequence: recorded.sequence, changeBytes: row.changeBytes + changeBytes(recorded) };
  }
}
