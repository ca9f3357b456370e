import { fieldProblems } from '../http/parse-request.ts';
import { ImportedTodo } from '../todo/todo.ts';
import { UnreadableFileError } from '../todo-formats/file-errors.ts';
import type { ForeignTodo } from '../todo-formats/foreign-todo.ts';
import type { FormatName, ImportFormat } from '../todo-formats/import-formats.ts';
import { parseJsonLines } from '../todo-formats/jsonl/jsonl.ts';
import { parseFile } from '../todo-formats/parse-file.ts';
import type { ImportContext, ParsedFile } from '../todo-formats/parsed-file.ts';
import { isJsonLines } from '../todo-formats/recognize-format.ts';
import { giveIds } from './import-ids.ts';

/** A todo that the todo API accepts. Its id is the same in every import of its file. */
export type PreparedTodo = ImportedTodo & { readonly id: string };

/** The todos of a file, in its order, and what of them the import loses. */
export type PreparedImport = {
  readonly format: ImportFormat;
  /** The zone of times for which the file names none. JSON Lines have no such times. */
  readonly timeZone?: string;
  readonly todos: readonly PreparedTodo[];
  readonly notKept: ParsedFile['notKept'];
};

/**
 * Reads a file of another program or of yata, and validates every todo, before anything is sent. Without a format, the content
 * tells it.
 * @param maxTodos more todos are rejected.
 * @throws {UnreadableFileError} that names the line or the entry that is not valid.
 * @throws {UnknownFormatError} when the content does not tell the format.
 */
export function prepareImport(
  bytes: Uint8Array,
  {
    format,
    maxTodos = Infinity,
    ...context
  }: ImportContext & { readonly format?: ImportFormat | undefined; readonly maxTodos?: number },
): PreparedImport {
  if (format === 'jsonl' || (format === undefined && isJsonLines(bytes))) {
    const todos = parseJsonLines(bytes);
    requireAtMost(maxTodos, todos.length);
    return { format: 'jsonl', todos: giveIds(todos, todos), notKept: [] };
  }
  const { format: found, todos, notKept } = parseFile(bytes, { format, ...context });
  // before the todos are read once more
  requireAtMost(maxTodos, todos.length);
  return {
    format: found,
    timeZone: context.timeZone,
    todos: giveIds(todos.map(validate), readContents(bytes, found)),
    notKept,
  };
}

function requireAtMost(max: number, count: number): void {
  if (count > max) throw new UnreadableFileError(`It has more than ${max} todos. Split it, and import the parts`);
}

/** What the ids follow from: the todos as they are on one day in one zone, because the day and the zone of an import differ. */
function readContents(bytes: Uint8Array, format: FormatName): readonly unknown[] {
  const { todos } = parseFile(bytes, { format, timeZone: 'UTC', today: '2000-01-01' });
  return todos.map((todo) => Object.entries(todo).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function validate(todo: ForeignTodo, index: number): ImportedTodo {
  const parsed = ImportedTodo.safeParse(todo);
  if (parsed.success) return parsed.data;
  const problems = fieldProblems(parsed.error, 'todo').map(({ field, expected }) => `${field}: expected ${expected}`);
  throw new UnreadableFileError(`Todo ${index + 1}: ${problems.join('; ')}`);
}
