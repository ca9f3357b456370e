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

/** Reads a backup of Todoist, which has a CSV for each project, or the one file of another program in a zip archive. */
export function readArchive(bytes: Uint8Array, context: ImportContext): { format: FormatName; drafts: TodoDraft[] } {
  const files = unzip(bytes, isExport).map(({ name, bytes }) => {
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
  throw new UnreadableFileError(
    'The zip archive has no CSV of Todoist or TickTick and no Tasks.json of Google. Unpack it, and import its files one by one',
  );
}

/** Archives of macOS have a hidden twin of each file. */
function isExport(path: string): boolean {
  const name = fileName(path);
  return (
    !path.startsWith('__MACOSX/') && !name.startsWith('.') && (/\.csv$/i.test(name) || /^tasks\.json$/i.test(name))
  );
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
