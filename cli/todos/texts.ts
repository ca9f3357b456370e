import type { ImportCounts } from '../../shared/todo/import-counts.ts';
import { LEAST_URGENT_PRIORITY, RETENTION_DAYS } from '../../shared/todo/limits.ts';
import type { PreparedImport, PreparedTodo } from '../../shared/todo-import/prepare-import.ts';
import { toVisibleJson } from '../../shared/visible-text.ts';
import { formatNumber, progressBar } from '../progress-bar.ts';
import { quoteValue, sanitize } from '../sanitize.ts';

type NotKept = PreparedImport['notKept'];

/** The texts of `todos import` and `todos export`. */
export const TODO_TEXTS = {
  read: ({ format, timeZone, todos }: PreparedImport) =>
    `Read ${countTodos(todos.length)}. ${describeFormat(format, timeZone)}`,
  imported: ({ created, skipped }: ImportCounts, subject: string) =>
    `Imported into the todos of ${quoteValue(subject)}: ${formatNumber(created)} created, ${formatNumber(skipped)} skipped.`,
  skipped: () => `A todo is skipped if its id exists. Deleted todos have theirs for ${RETENTION_DAYS} days.`,
  notImported: () => 'Nothing was imported, because of --dry-run.',
  preview: (todos: readonly PreparedTodo[], more: number) =>
    [...todos.map(todoLine), ...(more > 0 ? [`  and ${formatNumber(more)} more`] : [])].join('\n'),
  notImportedParts: (notKept: NotKept) =>
    [
      'Not kept, or only as words in the description, with the number of todos that have it:',
      ...notKeptLines(notKept),
    ].join('\n'),
  notExportedParts: (notKept: NotKept) =>
    ['Not kept, with the number of todos that have it:', ...notKeptLines(notKept)].join('\n'),
  exported: (count: number, subject: string, format: string, zone: string | undefined) =>
    `Exported ${countTodos(count)} of ${quoteValue(subject)}. ${describeFormat(format, zone)}`,
  incomplete: () => 'The todo API ended the export before its last todo. Run the command again.',
  unreadable: (reason: string) => `FILE: expected a readable file: ${reason}`,
  emptyStdin: () => 'FILE is -, but stdin is empty',
  noNewFile: (reason: string) => `--output: expected a file in a folder in which you can create files: ${reason}`,
  fileExists: () => '--output: expected the name of a new file, because this file exists',
  progress: (done: number, total: number) =>
    `${progressBar(done / total)} ${formatNumber(done)} of ${countTodos(total)}`,
  interrupted: (done: number, total: number, next: 'repeat' | 'solve') =>
    `${formatNumber(done)} of ${countTodos(total)} were imported, then the import failed. ${next === 'repeat' ? 'Run the same command again to import the rest.' : 'When the cause is solved, the same command imports the rest.'}`,
  unreachable: (resource: string) => `The todo API at ${resource} did not answer`,
  rejected: (detail: string) => `The todo API rejected the request: ${detail}`,
  unexpectedResponse: (status: number) => `The todo API answered with status ${status}.`,
} as const;

function todoLine({ title, completed, due_on, due_at, priority, tags }: PreparedTodo): string {
  const due = due_on ?? due_at;
  return [
    `  [${completed ? 'x' : ' '}] ${toVisibleJson(title)}`,
    ...(due === null ? [] : [`due ${due}`]),
    ...(priority === LEAST_URGENT_PRIORITY ? [] : [`priority ${priority}`]),
    ...(tags.length === 0 ? [] : [`tags ${tags.map(quoteValue).join(' ')}`]),
  ].join('  ');
}

function describeFormat(format: string, zone: string | undefined): string {
  return zone === undefined ? `Format: ${format}.` : `Format: ${format}. Time zone: ${zone}.`;
}

function notKeptLines(notKept: NotKept): string[] {
  const width = Math.max(...notKept.map(({ count }) => formatNumber(count).length));
  return notKept.map(({ what, count }) => `  ${formatNumber(count).padStart(width)}  ${sanitize(what)}`);
}

function countTodos(count: number): string {
  return count === 1 ? '1 todo' : `${formatNumber(count)} todos`;
}
