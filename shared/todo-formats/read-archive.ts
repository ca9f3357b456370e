import { decodeText } from './decoding/decode-text.ts';
import { requireFewTodos } from './decoding/todo-limit.ts';
import { unzip } from './decoding/unzip.ts';
import { UnreadableFileError } from './file-errors.ts';
import { parseGoogleTasks } from './google-tasks/google-tasks.ts';
import type { FormatName } from './import-formats.ts';
import type { ImportContext } from './parsed-file.ts';
import { recognizeFormat } from './recognize-format.ts';
import type { TodoDraft } from './rules/todo-draft.ts';
import { parseTicktick } from './ticktick/ticktick.ts';
import { parseTodoist } from './todoist/todoist.ts';

type Archived = { format: FormatName; drafts: TodoDraft[] };

/** Reads a backup of Todoist, which has a CSV for each project, or the one file of another program in a zip archive. */
export function readArchive(bytes: Uint8Array, context: ImportContext): Archived {
  // Takeout names Tasks.json in the language of the account
  const found = findExport(bytes, isExport, context) ?? findExport(bytes, isOtherJson, context);
  if (found !== undefined) return found;
  throw new UnreadableFileError(
    'The zip archive has no CSV of Todoist or TickTick and no Tasks.json of Google. Unpack it, and import its files one by one',
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

  const projects = files.filter(({ format }) => format === 'todoist');
  if (projects.length > 0) {
    const drafts = projects.flatMap(({ name, text }) => parseTodoist(text, context, toProjectName(name)));
    requireFewTodos(drafts.length);
    return { format: 'todoist', drafts };
  }
  for (const { text, format } of files) {
    if (format === 'google-tasks') return { format, drafts: parseGoogleTasks(text, context) };
    if (format === 'ticktick') return { format, drafts: parseTicktick(text, context) };
  }
  return undefined;
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
