import { toDay, toInstant } from '../../local-time.ts';
import { type CsvHeader, type CsvRow, findCsvHeader, readCsvRows } from '../decoding/csv.ts';
import { parseTime } from '../decoding/parse-time.ts';
import { UnreadableFileError } from '../file-errors.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable } from '../rules/list-unreadable.ts';
import type { TodoComment, TodoDraft } from '../rules/todo-draft.ts';
import { readTodoistTask } from './todoist-task.ts';

/** A task that may have subtasks below it. */
type OpenTask = { readonly id: unknown; readonly indent: number };
/** What the rows after a task add to it. */
type Additions = { readonly comments: TodoComment[]; readonly notKept: string[] };

export function findTodoistHeader(text: string): CsvHeader | undefined {
  return findCsvHeader(text, { columns: ['TYPE', 'CONTENT'] });
}

/** Reads the CSV export of one Todoist project. `list` is its name, which only a backup tells. */
export function parseTodoist(text: string, context: ImportContext, list?: string): TodoDraft[] {
  const header = findTodoistHeader(text);
  if (!header)
    throw new UnreadableFileError(
      'The first row has no columns TYPE and CONTENT. Export the project from Todoist as CSV again',
    );

  const drafts: TodoDraft[] = [];
  let section = '';
  let parents: OpenTask[] = [];
  let last: Additions | undefined;

  for (const row of readCsvRows(text, header)) {
    const type = row('TYPE').trim().toLowerCase();
    if (type === 'task') addTask(row);
    else if (type === 'section') startSection(row);
    else if (type === 'note') addNote(row);
    else if (type !== 'meta' && type !== '') drafts.push({ dropped: 'row of an unknown type', title: '' });
  }
  return drafts;

  function startSection(row: CsvRow): void {
    section = row('CONTENT');
    parents = [];
  }

  function addTask(row: CsvRow): void {
    const indent = Number.parseInt(row('INDENT'), 10) || 1;
    while ((parents.at(-1)?.indent ?? 0) >= indent) parents.pop();
    const { notKept, ...task } = readTodoistTask(row, context);
    last = { comments: [], notKept: [...notKept] };
    const id = Symbol('task');
    drafts.push({
      ...task,
      ...last,
      id,
      parentId: parents.at(-1)?.id,
      lists: list === undefined ? [section] : [list, section],
    });
    parents.push({ id, indent });
  }

  function addNote(row: CsvRow): void {
    const { text, hasFile } = separateFiles(row('CONTENT'));
    if (last === undefined) {
      drafts.push({ dropped: 'note', title: '' });
      return;
    }
    if (hasFile) last.notKept.push('attachment');
    const time = toInstant(parseTime(row('DATE'), context.timeZone), context.timeZone);
    last.notKept.push(...listUnreadable({ what: 'time of a comment', text: row('DATE'), isRead: time !== undefined }));
    last.comments.push({ day: time === undefined ? undefined : toDay(time, context.timeZone), text });
  }
}

/** A file of a comment is JSON within its text: `[[file {"file_name": …}]]`. */
function separateFiles(comment: string): { text: string; hasFile: boolean } {
  const texts: string[] = [];
  let rest = comment;
  for (;;) {
    const start = rest.indexOf('[[file {');
    const end = start === -1 ? -1 : rest.indexOf('}]]', start);
    if (end === -1) break;
    texts.push(rest.slice(0, start).trim());
    rest = rest.slice(end + 3);
  }
  return { text: [...texts, rest.trim()].filter((text) => text !== '').join(' '), hasFile: texts.length > 0 };
}
