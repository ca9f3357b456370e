import { type DayOrTime, findZone } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import type { CsvRow } from '../decoding/csv.ts';
import type { ForeignPriority } from '../foreign-todo.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable } from '../rules/list-unreadable.ts';
import { type TagWord, takeTagWords } from '../rules/take-tag-words.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';
import { isRepeating } from './repeat-words.ts';
import { parseTodoistDate } from './todoist-date.ts';

/** In the file, 1 is the most urgent as in the API. An empty priority means none. */
const PRIORITIES: ReadonlyMap<string, ForeignPriority> = new Map([
  ['1', 1],
  ['2', 2],
  ['3', 3],
  ['4', LEAST_URGENT_PRIORITY],
]);

/** Reads a task without its section, its parent and its comments. */
export function readTodoistTask(
  row: CsvRow,
  context: ImportContext,
): Omit<TodoDraft, 'notKept'> & Required<Pick<TodoDraft, 'notKept'>> {
  const { text: title, tags } = takeTagWords(
    row('CONTENT')
      .trim()
      .replace(/^\*\s+/, ''),
    findLabel,
  );
  const priority = PRIORITIES.get(row('PRIORITY').trim());
  const { lost, ...dates } = readDates(row, context);
  return {
    title,
    text: row('DESCRIPTION'),
    labels: tags,
    priority: priority ?? LEAST_URGENT_PRIORITY,
    ...dates,
    notKept: [
      ...lost,
      ...listUnreadable({ what: 'priority', text: row('PRIORITY'), isRead: priority !== undefined }),
      ...(row('RESPONSIBLE').trim() === '' ? [] : ['assignee']),
      ...(row('DURATION').trim() === '' ? [] : ['duration']),
    ],
  };
}

function readDates(
  row: CsvRow,
  context: ImportContext,
): { due: DayOrTime | undefined; dueWords: string | undefined; lost: string[] } {
  const zoneName = row('TIMEZONE').trim();
  const foundZone = findZone(zoneName);
  const zone = foundZone ?? context.timeZone;
  const read = (date: string, language: string) =>
    parseTodoistDate(date, { language: toLanguage(language), zone, today: context.today });

  const date = row('DATE').trim();
  const repeats = isRepeating(date, toLanguage(row('DATE_LANG')));
  const due = repeats ? undefined : read(date, row('DATE_LANG'));
  const dueWords = due === undefined && date !== '' ? date : undefined;

  const deadline = row('DEADLINE').trim();
  const deadlineDay = due === undefined ? read(deadline, row('DEADLINE_LANG')) : undefined;
  return {
    due: due ?? deadlineDay,
    dueWords,
    lost: [
      ...(dueWords === undefined ? [] : [repeats ? 'recurrence' : 'date in words']),
      ...(deadline === '' || deadlineDay !== undefined ? [] : ['deadline']),
      ...(zoneName !== '' && foundZone === undefined && due?.kind === 'time' ? ['unknown time zone'] : []),
    ],
  };
}

/** `pt_BR` is `pt`, and Norwegian has two codes. */
function toLanguage(written: string): string {
  const language = written.trim().toLowerCase().split(/[_-]/)[0] ?? '';
  return language === 'no' ? 'nb' : language;
}

function findLabel(word: string): TagWord | undefined {
  if (word.length < 2 || !word.startsWith('@') || word.startsWith('@@')) return undefined;
  const tag = withoutPunctuation(word.slice(1));
  return tag === '' ? undefined : { tag, isWhole: tag.length === word.length - 1 };
}

function withoutPunctuation(word: string): string {
  let end = word.length;
  while (end > 0 && '.,;:!?)]}"\''.includes(word.charAt(end - 1))) end -= 1;
  return word.slice(0, end);
}
