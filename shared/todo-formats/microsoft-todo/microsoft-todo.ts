import * as z from 'zod';
import { toInstant } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import { OptionalFlag, OptionalText, optionalList, readObjects, WrittenText } from '../decoding/json-values.ts';
import { parseJson } from '../decoding/parse-json.ts';
import { parseTime } from '../decoding/parse-time.ts';
import { UnreadableFileError } from '../file-errors.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable, listUnreadableTimes } from '../rules/list-unreadable.ts';
import { type TodoDraft, toChecklistLine } from '../rules/todo-draft.ts';
import { htmlToText } from './html-to-text.ts';
import { GraphTime, hasUnknownZone, readGraphDay, readGraphTime } from './microsoft-time.ts';

const NEXT_LINK = '@odata.nextLink';

const Page = z.object({ value: z.array(z.unknown()), '@odata.context': OptionalText, [NEXT_LINK]: OptionalText });

const List = z.object({
  displayName: z.string(),
  tasks: z.unknown().optional(),
  wellknownListName: OptionalText,
  wellKnownListName: OptionalText,
  [`tasks${NEXT_LINK}`]: OptionalText,
});

const Task = z.object({
  title: OptionalText,
  body: z.object({ content: OptionalText, contentType: OptionalText }).optional().catch(undefined),
  importance: WrittenText,
  status: WrittenText,
  categories: optionalList(z.string()),
  checklistItems: optionalList(z.object({ displayName: OptionalText, isChecked: OptionalFlag })),
  linkedResources: optionalList(z.object({ webUrl: OptionalText })),
  createdDateTime: WrittenText,
  completedDateTime: GraphTime,
  dueDateTime: GraphTime,
  startDateTime: GraphTime,
  isReminderOn: OptionalFlag,
  hasAttachments: OptionalFlag,
  recurrence: z.unknown().optional(),
});
type Task = z.infer<typeof Task>;

const IMPORTANCES: ReadonlySet<string> = new Set(['low', 'normal', 'high']);

/** The first items show what a file is, and it may have millions. */
const FIRST_ITEMS = 100;

/** What tells a task and a list from other JSON. */
const TaskMarks = z.object({ importance: z.string(), status: z.string(), title: z.string() });
const ListMarks = z.object({ displayName: z.string(), tasks: z.array(z.unknown()).nullable() });

export function isMicrosoftTodo(json: unknown): boolean {
  const page = Page.safeParse(json);
  if (!page.success) return Array.isArray(json) && json.slice(0, FIRST_ITEMS).some(isList);
  const { value, '@odata.context': source = '' } = page.data;
  return (
    source.includes('/todo/') ||
    value.slice(0, FIRST_ITEMS).some((item) => TaskMarks.safeParse(item).success || isList(item))
  );
}

/** Reads tasks as Microsoft Graph returns them: pages of one list, or the lists with their tasks that tools write. */
export function parseMicrosoftTodo(text: string, context: ImportContext): TodoDraft[] {
  const json = parseJson(text);
  const page = Page.safeParse(json);
  const items = page.success ? page.data.value : json;
  if (!Array.isArray(items)) {
    throw new UnreadableFileError(
      'The file has no list of tasks. Save the response of Microsoft Graph to /me/todo/lists/ID/tasks',
    );
  }
  const further = page.data?.[NEXT_LINK] ? [FURTHER_PAGES] : [];
  if (items.slice(0, FIRST_ITEMS).some(isList))
    return [...readObjects(items, List, 'The lists').flatMap((list) => readList(list, context)), ...further];
  return [...readTasks(items, 'The tasks', context), ...further];
}

const FURTHER_PAGES: TodoDraft = { dropped: 'further pages of the export', title: '' };

function isList(item: unknown): boolean {
  return ListMarks.safeParse(item).success;
}

function readList(list: z.infer<typeof List>, context: ImportContext): TodoDraft[] {
  const isDefault = (list.wellknownListName ?? list.wellKnownListName) === 'defaultList';
  const drafts = readTasks(list.tasks, 'A list', context).map((draft) => ({
    ...draft,
    lists: isDefault ? [] : [list.displayName],
  }));
  return list[`tasks${NEXT_LINK}`] ? [...drafts, FURTHER_PAGES] : drafts;
}

function readTasks(items: unknown, where: string, context: ImportContext): TodoDraft[] {
  return readObjects(items, Task, where).map((task) => readTask(task, context));
}

function readTask(task: Task, { timeZone }: ImportContext): TodoDraft {
  const { body, status = 'notStarted' } = task;
  const due = readGraphDay(task.dueDateTime, timeZone);
  const start = readGraphDay(task.startDateTime, timeZone);
  const times = {
    completedAt: readGraphTime(task.completedDateTime, timeZone),
    createdAt: toInstant(parseTime(task.createdDateTime ?? '', timeZone), timeZone),
  };
  return {
    title: task.title ?? '',
    text: body?.contentType?.toLowerCase() === 'html' ? htmlToText(body.content ?? '') : body?.content,
    checklist: (task.checklistItems ?? []).map(({ displayName = '', isChecked = false }) =>
      toChecklistLine({ text: displayName.trim(), checked: isChecked }),
    ),
    links: (task.linkedResources ?? []).map(({ webUrl }) => webUrl ?? ''),
    completed: status === 'completed',
    ...times,
    due: due.date,
    dueWords: due.words,
    start: start.date,
    priority: task.importance === 'high' ? 1 : LEAST_URGENT_PRIORITY,
    labels: task.categories ?? [],
    notKept: [
      ...(status === 'notStarted' || status === 'completed' ? [] : ['status']),
      ...(due.words === undefined ? [] : ['date in words']),
      ...(times.completedAt !== undefined && hasUnknownZone(task.completedDateTime) ? ['unknown time zone'] : []),
      ...listUnreadableTimes({ completed: task.completedDateTime?.dateTime, created: task.createdDateTime }, times),
      ...listUnreadable(
        { what: 'start date', text: start.words, isRead: false },
        { what: 'priority', text: task.importance, isRead: IMPORTANCES.has(task.importance ?? '') },
      ),
      ...(task.isReminderOn ? ['reminder'] : []),
      ...(task.recurrence ? ['recurrence'] : []),
      ...(task.hasAttachments ? ['attachment'] : []),
    ],
  };
}
