import { MAX_IMPORT_BYTES } from '../todo/limits.ts';
import { isCsv } from './decoding/csv.ts';
import { decodeRoughly, decodeText } from './decoding/decode-text.ts';
import { isZip } from './decoding/unzip.ts';
import { WRITTEN_FORMATS } from './export-formats.ts';
import { UnknownFormatError, UnreadableFileError } from './file-errors.ts';
import { parseGoogleTasks } from './google-tasks/google-tasks.ts';
import { parseIcalendar } from './icalendar/icalendar.ts';
import type { FormatName } from './import-formats.ts';
import { parseMarkdown } from './markdown/markdown.ts';
import { parseMicrosoftTodo } from './microsoft-todo/microsoft-todo.ts';
import { parseOutlookCsv } from './outlook-csv/outlook-csv.ts';
import type { ImportContext, ParsedFile } from './parsed-file.ts';
import { readArchive } from './read-archive.ts';
import { recognizeFormat } from './recognize-format.ts';
import { finishTodos } from './rules/finish-todos.ts';
import type { TodoDraft } from './rules/todo-draft.ts';
import { withoutZeroDates } from './rules/zero-dates.ts';
import { parseTaskwarrior } from './taskwarrior/taskwarrior.ts';
import { parseTicktick } from './ticktick/ticktick.ts';
import { parseTodoist } from './todoist/todoist.ts';
import { parseTodotxt } from './todotxt/todotxt.ts';

type TextFormat = Exclude<FormatName, 'icalendar'>;

const PARSERS: Readonly<Record<TextFormat, (text: string, context: ImportContext) => TodoDraft[]>> = {
  todoist: parseTodoist,
  ticktick: parseTicktick,
  'google-tasks': parseGoogleTasks,
  'microsoft-todo': parseMicrosoftTodo,
  'outlook-csv': parseOutlookCsv,
  taskwarrior: parseTaskwarrior,
  todotxt: parseTodotxt,
  markdown: parseMarkdown,
};

/**
 * Reads the todos that another program has exported. Without a format, the content tells it.
 * @throws {UnreadableFileError} when the file is damaged, too large, or not of the format.
 * @throws {UnknownFormatError} when the content does not tell the format.
 */
export function parseFile(
  bytes: Uint8Array,
  {
    timeZone = 'UTC',
    today,
    format,
  }: Partial<ImportContext> & Pick<ImportContext, 'today'> & { format?: FormatName | undefined },
): ParsedFile {
  if (bytes.length > MAX_IMPORT_BYTES) {
    throw new UnreadableFileError(`The file has more than ${MAX_IMPORT_BYTES} bytes. Split it, and import the parts`);
  }
  const context = { timeZone, today };
  const { format: found, drafts } = isZip(bytes) ? readArchive(bytes, context) : readSingle(bytes, context, format);
  if (format !== undefined && found !== format) {
    throw new UnreadableFileError(
      `The zip archive has files of the format ${found}, not ${format}. Name the format ${found}, or none`,
    );
  }
  // the other formats are written by people and by yata, who mean the year 1
  const isOfProgram = !WRITTEN_FORMATS.some((format) => format === found);
  return { format: found, ...finishTodos(isOfProgram ? drafts.map(withoutZeroDates) : drafts) };
}

function readSingle(
  bytes: Uint8Array,
  context: ImportContext,
  given: FormatName | undefined,
): { format: FormatName; drafts: TodoDraft[] } {
  const text = decodeRoughly(bytes);
  if (given === undefined && text.trim() === '') throw new UnreadableFileError('The file is empty. Export it again');
  const format = given ?? recognizeFormat(text);
  if (format === undefined && text.includes('\0'))
    throw new UnreadableFileError('The file is neither text nor a zip archive. Export it again');
  if (format === undefined) throw new UnknownFormatError({ isCsv: isCsv(text) });
  if (format === 'icalendar') return { format, drafts: parseIcalendar(bytes, context) };
  return { format, drafts: PARSERS[format](decodeText(bytes), context) };
}
