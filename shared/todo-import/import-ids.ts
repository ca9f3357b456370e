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
  return todos.map((todo, index) => {
    if (todo.id !== undefined) return { ...todo, id: todo.id };
    const content = uuidFromHash(contents[index]);
    const number = counts.get(content) ?? 0;
    counts.set(content, number + 1);
    return { ...todo, id: uuidFromHash([content, number]) };
  });
}
