import { startOfDay } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import { type CsvHeader, type CsvRow, findCsvHeader, readCsvRows } from '../decoding/csv.ts';
import { ENGLISH_COLUMNS, UnreadableFileError } from '../file-errors.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable } from '../rules/list-unreadable.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';
import { createOutlookDates, type ReadOutlookDate } from './outlook-date.ts';

const DATE_COLUMNS = ['Start Date', 'Due Date', 'Date Completed', 'Reminder Date'] as const;

const STARTED: ReadonlySet<string> = new Set(['in progress', 'waiting on someone else', 'deferred']);
const STATUSES: ReadonlySet<string> = new Set(['not started', 'completed', ...STARTED]);
const PRIORITIES: ReadonlySet<string> = new Set(['low', 'normal', 'high']);

export function findOutlookHeader(text: string): CsvHeader | undefined {
  return findCsvHeader(text, { columns: ['Subject', 'Due Date', 'Date Completed'] });
}

/** Reads the tasks that the classic Outlook exports as CSV. */
export function parseOutlookCsv(text: string, context: ImportContext): TodoDraft[] {
  const header = findOutlookHeader(text);
  if (!header) {
    throw new UnreadableFileError(
      `The first row has no columns Subject, Due Date and Date Completed. ${ENGLISH_COLUMNS}`,
    );
  }
  const rows = readCsvRows(text, header);
  const readDate = createOutlookDates(rows.flatMap((row) => DATE_COLUMNS.map((column) => row(column))));
  return rows.map((row) => readRow(row, { readDate, zone: context.timeZone }));
}

function readRow(row: CsvRow, { readDate, zone }: { readDate: ReadOutlookDate; zone: string }): TodoDraft {
  const status = row('Status').trim().toLowerCase();
  const share = readShare(row('% Complete'));
  const { day: completedOn, words: completedWords } = readDate(row('Date Completed'));
  const due = readDate(row('Due Date'));
  const start = readDate(row('Start Date'));
  const completed = completedOn !== undefined || status === 'completed' || share === 1;
  const isStarted = (share ?? 0) > 0 || STARTED.has(status);
  const priority = row('Priority').trim().toLowerCase();

  return {
    title: row('Subject'),
    text: row('Notes'),
    completed,
    completedAt: completedOn === undefined ? undefined : startOfDay(completedOn, zone),
    due: due.day === undefined ? undefined : { kind: 'day', day: due.day },
    dueWords: due.words,
    start: start.day === undefined ? undefined : { kind: 'day', day: start.day },
    priority: priority === 'high' ? 1 : LEAST_URGENT_PRIORITY,
    labels: row('Categories').split(';'),
    notKept: [
      ...(!completed && isStarted ? ['status'] : []),
      ...(row('Reminder On/Off').trim().toLowerCase() === 'true' ? ['reminder'] : []),
      ...(due.words === undefined ? [] : ['date in words']),
      ...listUnreadable(
        { what: 'start date', text: start.words, isRead: false },
        { what: 'completion time', text: completedWords, isRead: false },
        { what: 'status', text: status, isRead: STATUSES.has(status) },
        { what: 'status', text: row('% Complete'), isRead: share !== undefined },
        { what: 'priority', text: priority, isRead: PRIORITIES.has(priority) },
      ),
    ],
  };
}

/** Outlook writes how much is done as 0.5 or 0,5, and other programs as 50 or 50%. Everything is 1. */
function readShare(text: string): number | undefined {
  const number = Number.parseFloat(text.trim().replace(',', '.'));
  if (!Number.isFinite(number)) return undefined;
  return number === 100 ? 1 : number;
}
