import { searchWords } from '../../../shared/todo/search-words.ts';
import type { ListInMemory, ListRow, StoredTodo } from './list-in-memory.ts';

/** The rows that statements write for lists that have changed. A todo that was changed more than once is written once. */
export function changedRows(changed: readonly ListInMemory[]) {
  const todosWith = (wanted: StoredTodo['change']) =>
    changed.flatMap((list) =>
      list
        .todos()
        .filter(({ change }) => change === wanted)
        .map((todo) => toTodoRow(list.owner, todo)),
    );
  return {
    lists: changed.map((list) => toListRow(list.row())),
    inserted: todosWith('insert'),
    updated: todosWith('update'),
    changes: changed.flatMap((list) => list.changes().map((change) => toChangeRow(list.owner, change))),
  };
}

/** A row of `api.todo_list`. */
export function toListRow({ owner, sequence, forgotten, changedAt, todos, bytes, changeBytes }: ListRow) {
  return { owner, sequence, forgotten, changed_at: new Date(changedAt), todos, bytes, change_bytes: changeBytes };
}

function toTodoRow(owner: string, { todo, deletedAt }: StoredTodo) {
  return {
    ...todo,
    owner,
    words: toTsvector(searchWords(`${todo.title} ${todo.description ?? ''}`)),
    deleted_at: deletedAt,
  };
}

function toChangeRow(owner: string, { id: todo_id, ...change }: ReturnType<ListInMemory['changes']>[number]) {
  return { ...change, owner, todo_id };
}

/** Words as the text of a tsvector. A word has only letters and digits, so it needs no escape. */
function toTsvector(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}
