import * as z from 'zod';
import { parseDay, toInstant } from '../../local-time.ts';
import { OptionalFlag, OptionalText, optionalList, readObjects, WrittenText } from '../decoding/json-values.ts';
import { parseJson } from '../decoding/parse-json.ts';
import { parseTime } from '../decoding/parse-time.ts';
import { UnreadableFileError } from '../file-errors.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable, listUnreadableTimes } from '../rules/list-unreadable.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';

const TASK_LISTS = 'tasks#taskLists';
const TASKS = 'tasks#tasks';

/** What tells the file from other JSON: all lists of Takeout, or the tasks of one list as the API returns them. */
export const GoogleTasksFile = z.object({ kind: z.enum([TASK_LISTS, TASKS]), items: z.unknown().optional() });

const STATUSES: ReadonlySet<string> = new Set(['needsAction', 'completed']);

const TaskList = z.object({ title: OptionalText, items: z.unknown().optional() });

const Task = z.object({
  id: OptionalText,
  parent: OptionalText,
  title: OptionalText,
  notes: OptionalText,
  links: optionalList(z.object({ link: OptionalText })),
  status: WrittenText,
  completed: WrittenText,
  created: WrittenText,
  due: WrittenText,
  deleted: OptionalFlag,
});

/** Reads `Tasks.json` of Google Takeout. */
export function parseGoogleTasks(text: string, context: ImportContext): TodoDraft[] {
  const file = GoogleTasksFile.safeParse(parseJson(text));
  if (!file.success) {
    throw new UnreadableFileError(
      'The file is no export of Google Tasks. Give Takeout/Tasks/Tasks.json of Google Takeout',
    );
  }
  const { kind, items } = file.data;
  const lists = kind === TASKS ? [{ title: '', items }] : readObjects(items, TaskList, 'The task lists');

  return lists.flatMap(({ title = '', items }, index) => {
    const where = `Task list ${index + 1}`;
    return readObjects(items, Task, where).map((task) => readTask(task, { list: title, scope: where, context }));
  });
}

function readTask(
  task: z.infer<typeof Task>,
  { list, scope, context }: { list: string; scope: string; context: ImportContext },
): TodoDraft {
  const zone = context.timeZone;
  const dueText = task.due?.trim() ?? '';
  // midnight in UTC means the day, in every zone
  const dueDay = parseDay(dueText.slice(0, 10));
  const isUnreadable = dueText !== '' && dueDay === undefined;
  const times = {
    completedAt: toInstant(parseTime(task.completed ?? '', zone), zone),
    createdAt: toInstant(parseTime(task.created ?? '', zone), zone),
  };
  return {
    dropped: task.deleted ? 'deleted todo' : undefined,
    id: task.id && `${scope}/${task.id}`,
    parentId: task.parent && `${scope}/${task.parent}`,
    title: task.title ?? '',
    text: task.notes,
    links: (task.links ?? []).map(({ link }) => link ?? ''),
    completed: task.status === 'completed',
    ...times,
    due: dueDay === undefined ? undefined : { kind: 'day', day: dueDay },
    dueWords: isUnreadable ? dueText : undefined,
    lists: [list],
    notKept: [
      ...(isUnreadable ? ['date in words'] : []),
      ...listUnreadableTimes(task, times),
      ...listUnreadable({ what: 'status', text: task.status, isRead: STATUSES.has(task.status ?? '') }),
    ],
  };
}
