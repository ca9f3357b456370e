import * as z from 'zod';
import { findJson } from '../../find-json.ts';
import { fieldProblems } from '../../http/parse-request.ts';
import { ImportedTodo, Todo } from '../../todo/todo.ts';
import { decodeText } from '../decoding/decode-text.ts';
import { UnreadableFileError } from '../file-errors.ts';

/** More than the default quota can store. */
export const MAX_JSON_LINES_BYTES = 200_000_000;

/** The most lines that an error names. */
const MAX_NAMED_LINES = 5;

const FIELDS: ReadonlySet<string> = new Set(Object.keys(Todo.shape));
const TitledObject = z.looseObject({ title: z.string() });

/** Whether it is an object with a title, and with fields of todos alone. */
export function isExportedTodo(json: unknown): boolean {
  const { data } = TitledObject.safeParse(json);
  return data !== undefined && Object.keys(data).every((name) => FIELDS.has(name));
}

/**
 * Reads JSON Lines as the todo API exports them, with every field.
 * @throws {UnreadableFileError} that names the lines that are not valid.
 */
export function parseJsonLines(bytes: Uint8Array): ImportedTodo[] {
  if (bytes.length > MAX_JSON_LINES_BYTES)
    throw new UnreadableFileError(
      `The file has more than ${MAX_JSON_LINES_BYTES} bytes. Split it, and import the parts`,
    );
  const todos: ImportedTodo[] = [];
  const problems: string[] = [];
  for (const [index, line] of decodeText(bytes).split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = ImportedTodo.safeParse(findJson(line));
    if (parsed.success) todos.push(withoutIgnoredFields(parsed.data));
    else problems.push(`Line ${index + 1}: ${describe(parsed.error)}`);
    // further lines are not read
    if (problems.length === MAX_NAMED_LINES) break;
  }
  if (problems.length > 0) throw new UnreadableFileError(problems.join('\n'));
  return todos;
}

/** The import sets these two itself, so they are not sent. */
function withoutIgnoredFields({ version, updated_at, ...todo }: ImportedTodo): ImportedTodo {
  return todo;
}

function describe(error: z.ZodError): string {
  return fieldProblems(error, WHOLE_LINE)
    .map(({ field, expected }) => `${showField(field)}: expected ${expected}`)
    .join('; ');
}

const WHOLE_LINE = 'the line';

/** The name of a field of a todo, or a short word. Any other may be a sentence that a model would take for an instruction. */
function showField(field: string): string {
  const isKnown = field === WHOLE_LINE || FIELDS.has(field.split('.')[0] ?? '');
  return isKnown || /^\w{1,20}$/.test(field) ? field : 'a field';
}
