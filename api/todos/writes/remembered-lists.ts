import { LRUCache } from 'lru-cache';
import type { ListInMemory, ListRow, StoredTodo } from './list-in-memory.ts';

/** A list as this process last knew it, with the todos that it wrote or read last, also deleted ones. */
type RememberedList = { readonly row: ListRow; readonly todos: ReadonlyMap<string, StoredTodo> };

/**
 * The lists that a process wrote last. Another process may have written to them meanwhile, so the database has to confirm
 * what follows from them.
 */
export type RememberedLists = {
  /** Finds a list, unless another process seems to write to it too. */
  readonly find: (owner: string) => RememberedList | undefined;
  /** Remembers a list, when the transaction that read or stored it has ended. */
  readonly remember: (list: ListInMemory) => void;
  /** Finds a list no more until the database has confirmed what is remembered of it. */
  readonly doubt: (owner: string) => void;
  readonly forget: (owner: string) => void;
  /** Forgets all lists. */
  readonly clear: () => void;
};

const MAX_LISTS = 10_000;
const MAX_TODOS_OF_A_LIST = 64;
const MAX_BYTES = 32_000_000;

/** About what an object in memory needs beside its texts. */
const LIST_BYTES = 1_000;
const TODO_BYTES = 1_000;

/** A todo with its share of `MAX_BYTES`. */
type Entry = { row: ListRow; readonly todos: Map<string, StoredTodo>; bytes: number; isDoubtful: boolean };

/** Creates the memory. It has an upper bound of lists and of bytes, and forgets those that were not used for longest. */
export function createRememberedLists({ maxLists = MAX_LISTS, maxBytes = MAX_BYTES } = {}): RememberedLists {
  const lists = new LRUCache<string, Entry>({ max: maxLists, maxSize: maxBytes });
  return {
    find(owner) {
      const entry = lists.get(owner);
      return entry?.isDoubtful ? undefined : entry;
    },
    remember(list) {
      const known = lists.get(list.owner);
      const isConfirmed = known === undefined || isSameRow(known.row, list.before);
      const entry: Entry =
        known !== undefined && isConfirmed
          ? known
          : { row: list.before, todos: new Map(), bytes: LIST_BYTES, isDoubtful: false };
      // what another process has changed, it will probably change again
      entry.isDoubtful = !isConfirmed;
      entry.row = list.row();
      for (const todo of list.todos()) put(entry, todo);
      lists.set(list.owner, entry, { size: entry.bytes });
    },
    doubt(owner) {
      const entry = lists.peek(owner);
      if (entry !== undefined) entry.isDoubtful = true;
    },
    forget: (owner) => void lists.delete(owner),
    clear: () => lists.clear(),
  };
}

/** Every change of a list or of its todos changes one of these members. */
function isSameRow(one: ListRow, other: ListRow): boolean {
  const members = ['sequence', 'forgotten', 'changedAt', 'todos', 'bytes', 'changeBytes'] as const;
  return members.every((member) => one[member] === other[member]);
}

/** Adds a todo as the newest one, and removes the oldest ones if there are too many. */
function put(entry: Entry, { todo, deletedAt }: StoredTodo): void {
  removeTodo(entry, todo.id);
  entry.todos.set(todo.id, { todo, deletedAt, change: undefined });
  entry.bytes += bytesOf(todo);
  for (const id of entry.todos.keys()) {
    if (entry.todos.size <= MAX_TODOS_OF_A_LIST) break;
    removeTodo(entry, id);
  }
}

function removeTodo(entry: Entry, id: string): void {
  const known = entry.todos.get(id);
  if (known === undefined) return;
  entry.todos.delete(id);
  entry.bytes -= bytesOf(known.todo);
}

/** A character needs up to two bytes in memory. */
function bytesOf({ title, description, tags }: StoredTodo['todo']): number {
  const characters = title.length + (description?.length ?? 0) + tags.reduce((sum, tag) => sum + tag.length, 0);
  return TODO_BYTES + 2 * characters;
}
