import { type DayOrTime, findZone, toDay, toInstant } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import { type CsvHeader, type CsvRow, findCsvHeader, readCsvRows } from '../decoding/csv.ts';
import { parseTime } from '../decoding/parse-time.ts';
import { UnreadableFileError } from '../file-errors.ts';
import type { ForeignPriority } from '../foreign-todo.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable, listUnreadableTimes } from '../rules/list-unreadable.ts';
import { type TodoDraft, toChecklistLine } from '../rules/todo-draft.ts';

/** Date, version and the meaning of `Status` stand before the header. */
const PREAMBLE_RECORDS = 20;

const PRIORITIES: ReadonlyMap<string, ForeignPriority> = new Map([
  ['5', 1],
  ['3', 2],
  ['1', 3],
  ['0', LEAST_URGENT_PRIORITY],
]);

const STATUSES: ReadonlySet<string> = new Set(['0', '1', '2', '-1']);

export function findTicktickHeader(text: string): CsvHeader | undefined {
  return findCsvHeader(text, { columns: ['List Name', 'Title', 'Status'], firstRecords: PREAMBLE_RECORDS });
}

/** Reads the CSV backup of TickTick. */
export function parseTicktick(text: string, context: ImportContext): TodoDraft[] {
  const header = findTicktickHeader(text);
  if (header) return readCsvRows(text, header).map((row) => readRow(row, context));
  throw new UnreadableFileError(
    `The first ${PREAMBLE_RECORDS} rows have no columns List Name, Title and Status. Make a backup in TickTick again`,
  );
}

function readRow(row: CsvRow, context: ImportContext): TodoDraft {
  const zoneName = row('Timezone').trim();
  const foundZone = findZone(zoneName);
  const zone = foundZone ?? context.timeZone;
  const status = row('Status').trim();
  const priority = PRIORITIES.get(row('Priority').trim());
  const times = {
    completedAt: toInstant(parseTime(row('Completed Time'), zone), zone),
    createdAt: toInstant(parseTime(row('Created Time'), zone), zone),
  };
  const { needsZone, lost, ...dates } = readDates(row, zone);
  return {
    dropped: [row('Kind'), row('projectKind')].some((kind) => kind.trim().toUpperCase() === 'NOTE')
      ? 'note'
      : undefined,
    id: row('taskId').trim() || undefined,
    parentId: row('parentId').trim() || undefined,
    title: row('Title'),
    ...readContent(row),
    completed: status === '1' || status === '2',
    cancelled: status === '-1',
    ...times,
    ...dates,
    ...(priority === undefined ? {} : { priority }),
    labels: row('Tags').split(','),
    lists: [row('List Name'), row('Folder Name'), row('Column Name')],
    notKept: [
      ...lost,
      ...(zoneName !== '' && foundZone === undefined && needsZone ? ['unknown time zone'] : []),
      ...listUnreadableTimes({ completed: row('Completed Time'), created: row('Created Time') }, times),
      ...listUnreadable(
        { what: 'status', text: status, isRead: STATUSES.has(status) },
        // hand-made files have words such as p1, which mean no priority of TickTick
        {
          what: 'priority',
          text: row('Priority'),
          isRead: priority !== undefined || !/^-?\d+$/.test(row('Priority').trim()),
        },
      ),
    ],
  };
}

/** A checklist is one text, in which a sign stands before each item. */
function readContent(row: CsvRow): Pick<TodoDraft, 'text' | 'checklist'> {
  const content = row('Content');
  const isChecklist =
    row('Kind').trim().toUpperCase() === 'CHECKLIST' || row('Is Check list').trim().toUpperCase() === 'Y';
  if (!isChecklist) return { text: content };
  const [text, ...items] = content.split(/(?=[▫▪])/);
  if (text === undefined || /^[▫▪]/.test(text)) return { checklist: readItems([text ?? '', ...items]) };
  return { text, checklist: readItems(items) };
}

function readItems(items: readonly string[]): string[] {
  return items
    .map((item) => ({ checked: item.startsWith('▪'), text: item.slice(1).trim() }))
    .filter(({ text }) => text !== '')
    .map(toChecklistLine);
}

type Dates = Pick<TodoDraft, 'due' | 'dueWords' | 'start'> & { readonly needsZone: boolean; readonly lost: string[] };

function readDates(row: CsvRow, zone: string): Dates {
  const isAllDay = row('Is All Day').trim().toLowerCase() === 'true';
  const startText = row('Start Date');
  const start = readDate(startText, { zone, isAllDay });
  const dueText = row('Due Date').trim();
  const due = readDate(dueText, { zone, isAllDay });
  const isUnreadable = dueText !== '' && due === undefined;
  return {
    due: due ?? (isUnreadable ? undefined : start),
    dueWords: isUnreadable ? dueText : undefined,
    start,
    needsZone: isOfZone(dueText === '' ? startText : dueText, isAllDay),
    lost: [
      ...listUnreadable({ what: 'start date', text: startText, isRead: start !== undefined }),
      ...(isUnreadable ? ['date in words'] : []),
      ...(row('Reminder').trim() === '' ? [] : ['reminder']),
      ...(row('Repeat').trim() === '' ? [] : ['recurrence']),
    ],
  };
}

/** A whole day is the midnight of the zone, in UTC: 1 December in Berlin is 23:00 on 30 November. */
function readDate(text: string, { zone, isAllDay }: { zone: string; isAllDay: boolean }): DayOrTime | undefined {
  const date = parseTime(text, zone);
  return isAllDay && date?.kind === 'time' ? { kind: 'day', day: toDay(date.time, zone) } : date;
}

/** Whether it is another day or time in another zone. */
function isOfZone(text: string, isAllDay: boolean): boolean {
  const [west, east] = ['Etc/GMT+12', 'Etc/GMT-14'].map((zone) => JSON.stringify(readDate(text, { zone, isAllDay })));
  return west !== east;
}
