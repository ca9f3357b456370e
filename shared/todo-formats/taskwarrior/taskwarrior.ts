import * as z from 'zod';
import { type DayOrTime, toDay } from '../../local-time.ts';
import { OptionalText, optionalList, toText, WrittenText } from '../decoding/json-values.ts';
import type { ForeignPriority } from '../foreign-todo.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable, listUnreadableTimes } from '../rules/list-unreadable.ts';
import type { TodoComment, TodoDraft } from '../rules/todo-draft.ts';
import { readTaskwarriorTasks } from './taskwarrior-json.ts';
import { findTaskwarriorTime, isDayBoundary } from './taskwarrior-time.ts';

const Task = z.object({
  uuid: OptionalText,
  parent: OptionalText,
  description: OptionalText,
  status: WrittenText,
  entry: z.unknown().optional(),
  end: z.unknown().optional(),
  due: z.unknown().optional(),
  priority: WrittenText,
  project: OptionalText,
  tags: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  annotations: optionalList(z.object({ entry: z.unknown().optional(), description: OptionalText })),
});
type Task = z.infer<typeof Task>;

/** Members that become a field of the todo, or that say nothing about it. */
const KNOWN: ReadonlySet<string> = new Set(
  [
    'annotations description due end entry priority project status tags uuid',
    'id imask last mask modified parent rtype template urgency',
  ].flatMap((names) => names.split(' ')),
);

/** What is not kept if a task has the member. */
const LOST: ReadonlyMap<string, string> = new Map([
  ['recur', 'recurrence'],
  ['scheduled', 'scheduled date'],
  ['until', 'until date'],
  ['wait', 'wait date'],
  ['start', 'started'],
  ['depends', 'dependency'],
]);
const STATUSES: ReadonlySet<string> = new Set(['pending', 'waiting', 'recurring', 'completed', 'deleted']);

const UDA_NAME = /^[\p{L}\p{N}_.-]{1,30}$/u;

const PRIORITIES: ReadonlyMap<string, ForeignPriority> = new Map([
  ['H', 1],
  ['M', 2],
  ['L', 3],
]);

/** Reads what `task export` writes. */
export function parseTaskwarrior(text: string, context: ImportContext): TodoDraft[] {
  const tasks = readTaskwarriorTasks(text).map((raw) => ({ raw, task: Task.parse(raw) }));
  const parents = new Set(tasks.map(({ task }) => task.parent).filter((parent) => parent !== undefined));
  return tasks.map(({ raw, task }) => {
    const draft = readTask(task, context);
    return {
      dropped: findDropped(task, parents),
      ...draft,
      ...readDue(task.due, context.timeZone),
      notKept: [...(draft.notKept ?? []), ...listLost(raw), ...listUnreadableDue(task.due, context.timeZone)],
    };
  });
}

/** A recurring todo is a template, and its children are the todos. */
function findDropped({ status, uuid }: Task, parents: ReadonlySet<string>): string | undefined {
  if (status === 'deleted') return 'deleted todo';
  return status === 'recurring' && uuid !== undefined && parents.has(uuid) ? 'recurring template' : undefined;
}

function readTask(task: Task, { timeZone }: ImportContext): TodoDraft {
  const times = {
    completedAt: findTaskwarriorTime(task.end, timeZone),
    createdAt: findTaskwarriorTime(task.entry, timeZone),
  };
  const priority = PRIORITIES.get(task.priority ?? '');
  return {
    uid: task.uuid,
    title: task.description ?? '',
    comments: (task.annotations ?? []).map(({ entry, description = '' }): TodoComment => {
      const time = findTaskwarriorTime(entry, timeZone);
      return { day: time === undefined ? undefined : toDay(time, timeZone), text: description };
    }),
    completed: task.status === 'completed',
    ...times,
    ...(priority === undefined ? {} : { priority }),
    labels: typeof task.tags === 'string' ? task.tags.split(',') : (task.tags ?? []),
    lists: [task.project ?? ''],
    notKept: [
      ...listUnreadableTimes({ completed: toText(task.end), created: toText(task.entry) }, times),
      ...listUnreadable(
        { what: 'status', text: task.status, isRead: STATUSES.has(task.status ?? '') },
        { what: 'priority', text: task.priority, isRead: priority !== undefined },
        ...(task.annotations ?? []).map(({ entry }) => ({
          what: 'time of a comment',
          text: toText(entry),
          isRead: findTaskwarriorTime(entry, timeZone) !== undefined,
        })),
      ),
    ],
  };
}

/** A day is stored as its first or its last second in the zone of the user. */
function readDue(due: unknown, zone: string): { due?: DayOrTime; dueWords?: string } {
  const time = findTaskwarriorTime(due, zone);
  if (time === undefined) return typeof due === 'string' ? { dueWords: due } : {};
  return { due: isDayBoundary(time, zone) ? { kind: 'day', day: toDay(time, zone) } : { kind: 'time', time } };
}

function listUnreadableDue(due: unknown, zone: string): string[] {
  return isEmpty(due) || findTaskwarriorTime(due, zone) !== undefined ? [] : ['date in words'];
}

function listLost(raw: object): string[] {
  return Object.entries(raw)
    .filter(([name, value]) => !KNOWN.has(name) && !isEmpty(value))
    .map(([name]) => LOST.get(name) ?? (UDA_NAME.test(name) ? `UDA ${name}` : 'UDA'))
    .concat('status' in raw && raw.status === 'waiting' ? ['wait date'] : []);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
