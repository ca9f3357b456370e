import { decodeText } from './decoding/decode-text.ts';
import { requireFewTodos } from './decoding/todo-limit.ts';
import { UNPACK, unzip } from './decoding/unzip.ts';
import { UnreadableFileError } from './file-errors.ts';
import { parseGoogleTasks } from './google-tasks/google-tasks.ts';
import type { FormatName } from './import-formats.ts';
import type { ImportContext } from './parsed-file.ts';
import { recognizeFormat } from './recognize-format.ts';
import type { TodoDraft } from './rules/todo-draft.ts';
import { parseTicktick } from './ticktick/ticktick.ts';
import { parseTodoist } from './todoist/todoist.ts';

type Archived = { format: FormatName; drafts: TodoDraft[] };

/** The formats of which an archive may have files. Only Todoist names a list by the name of its file. */
const PARSERS = {
  todoist: (text, context, path) => parseTodoist(text, context, toProjectName(path)),
  ticktick: parseTicktick,
  'google-tasks': parseGoogleTasks,
} satisfies Partial<Record<FormatName, (text: string, context: ImportContext, path: string) => TodoDraft[]>>;

type ArchiveFormat = keyof typeof PARSERS;

/** Reads a backup of Todoist, which has a CSV for each project, or the files of another program in a zip archive. */
export function readArchive(bytes: Uint8Array, context: ImportContext): Archived {
  // Takeout names Tasks.json in the language of the account
  const found = findExport(bytes, isExport, context) ?? findExport(bytes, isOtherJson, context);
  if (found !== undefined) return found;
  throw new UnreadableFileError(
    `The zip archive has no CSV of Todoist or TickTick and no Tasks.json of Google. ${UNPACK}`,
  );
}

function findExport(
  bytes: Uint8Array,
  isWanted: (path: string) => boolean,
  context: ImportContext,
): Archived | undefined {
  const files = unzip(bytes, isWanted).map(({ name, bytes }) => {
    const text = decodeText(bytes);
    return { name, text, format: recognizeFormat(text) };
  });

  const [format, other] = new Set(files.map(({ format }) => format).filter(isArchiveFormat));
  if (format === undefined) return undefined;
  if (other !== undefined)
    throw new UnreadableFileError(`The zip archive has files of the formats ${format} and ${other}. ${UNPACK}`);

  const drafts = files.flatMap((file) => {
    if (file.format === format) return PARSERS[format](file.text, context, file.name);
    // Takeout has files of other services, but in a backup of todos every file should be one with todos
    const isLost = format !== 'google-tasks' && file.text.trim() !== '';
    return isLost ? [{ dropped: 'file of another format', title: '' }] : [];
  });
  requireFewTodos(drafts.length);
  return { format, drafts };
}

function isArchiveFormat(format: FormatName | undefined): format is ArchiveFormat {
  return format !== undefined && format in PARSERS;
}

function isExport(path: string): boolean {
  return isVisibleFile(path) && (/\.csv$/i.test(path) || /^tasks\.json$/i.test(fileName(path)));
}

function isOtherJson(path: string): boolean {
  return isVisibleFile(path) && /\.json$/i.test(path) && !isExport(path);
}

/** Archives of macOS have a hidden twin of each file. */
function isVisibleFile(path: string): boolean {
  return !path.startsWith('__MACOSX/') && !fileName(path).startsWith('.');
}

/** `Kitchen [6Crg7vM4].csv` is the project Kitchen. */
function toProjectName(path: string): string {
  return fileName(path)
    .replace(/\.csv$/i, '')
    .replace(/ \[[^\][]*\]$/, '');
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
