import { uuidFromHash } from '../todo/uuid-from-hash.ts';

/**
 * Gives each todo without an id one that follows from its content, and from its number among the todos with the same content.
 * So a repeated import creates nothing, an interrupted one can be completed, and two equal todos of one file stay two.
 * @param contents the content of each todo, which must be the same in every import of the file.
 */
export function giveIds<T extends { readonly id?: string | undefined }>(
  todos: readonly T[],
  contents: readonly unknown[],
): (T & { readonly id: string })[] {
  const counts = new Map<string, number>();
  const contentsById = new Map<string, string>();
  return todos.map((todo, index) => {
    const content = uuidFromHash(contents[index]);
    if (todo.id !== undefined) {
      const first = contentsById.get(todo.id) ?? content;
      contentsById.set(todo.id, first);
      // another todo with the same id would be skipped, and so lost
      return { ...todo, id: first === content ? todo.id : uuidFromHash([todo.id, content]) };
    }
    const number = counts.get(content) ?? 0;
    counts.set(content, number + 1);
    return { ...todo, id: uuidFromHash([content, number]) };
  });
}
