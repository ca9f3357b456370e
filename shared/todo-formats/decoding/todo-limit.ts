import { UnreadableFileError } from '../file-errors.ts';

/** Far more than people have. Without a limit, a small file of many short lines would need gigabytes of memory. */
const MAX_FILE_TODOS = 100_000;

export function requireFewTodos(count: number): void {
  if (count <= MAX_FILE_TODOS) return;
  throw new UnreadableFileError(`The file has more than ${MAX_FILE_TODOS} todos. Split it, and import the parts`);
}
