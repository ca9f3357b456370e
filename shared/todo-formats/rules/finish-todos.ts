import { type DayOrTime, parseDay } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY, MAX_DESCRIPTION_CHARACTERS, MAX_TAGS } from '../../todo/limits.ts';
import { TodoId } from '../../todo/todo.ts';
import type { ForeignTodo } from '../foreign-todo.ts';
import type { ParsedFile } from '../parsed-file.ts';
import { describeDraft } from './describe-draft.ts';
import { findTitle, type Title } from './find-title.ts';
import { listTags } from './list-tags.ts';
import { countNotKept } from './not-kept.ts';
import { cutText } from './storable-text.ts';
import type { TodoDraft } from './todo-draft.ts';

/** Makes valid todos of the drafts, with the rules that all formats share, and counts what the todos do not keep. */
export function finishTodos(drafts: readonly TodoDraft[]): Pick<ParsedFile, 'todos' | 'notKept'> {
  const titles = new Map<unknown, Title | undefined>();
  const titled = drafts.map((draft) => {
    const title = findTitle(draft);
    if (draft.id !== undefined && !titles.has(draft.id)) titles.set(draft.id, title);
    return { draft, title };
  });

  const todos: ForeignTodo[] = [];
  const notKept = countNotKept();
  for (const { draft, title } of titled) {
    if (draft.dropped !== undefined) notKept.add([draft.dropped]);
    else if (title === undefined) notKept.add(['todo without a title']);
    else {
      const isChild = draft.parentId !== undefined && draft.parentId !== draft.id;
      const parentTitle = isChild ? titles.get(draft.parentId)?.title : undefined;
      const { todo, lost } = finishTodo(withPossibleDue(draft), { title, parentTitle });
      todos.push(todo);
      notKept.add(lost);
    }
  }
  return { todos, notKept: notKept.list() };
}

function finishTodo(
  draft: TodoDraft,
  { title: { title, whole }, parentTitle }: { title: Title; parentTitle: string | undefined },
): { todo: ForeignTodo; lost: string[] } {
  const lost = [...(draft.notKept ?? [])];
  if (draft.start !== undefined && !isSame(draft.start, draft.due)) lost.push('start date');

  const described = describeDraft(draft, { wholeTitle: whole, parentTitle });
  const description = cutText(described, MAX_DESCRIPTION_CHARACTERS);
  if (description !== described) lost.push('description over 10,000 characters');

  const tags = listTags(draft);
  if (tags.length > MAX_TAGS) lost.push(`tags over ${MAX_TAGS}`);

  const completed = draft.completed === true || draft.cancelled === true;
  const { data: id } = TodoId.safeParse(draft.uid);
  const todo: ForeignTodo = {
    ...(id === undefined ? {} : { id }),
    title,
    description: description === '' ? null : description,
    completed,
    completed_at: completed ? (draft.completedAt ?? null) : null,
    due_on: draft.due?.kind === 'day' ? draft.due.day : null,
    due_at: draft.due?.kind === 'time' ? draft.due.time : null,
    priority: draft.priority ?? LEAST_URGENT_PRIORITY,
    tags: tags.slice(0, MAX_TAGS),
    ...(draft.createdAt === undefined ? {} : { created_at: draft.createdAt }),
  };
  return { todo, lost };
}

/** In another zone, a time in the year 1 or 9999 may be on a day that cannot be stored: it stays as words. */
function withPossibleDue(draft: TodoDraft): TodoDraft {
  const { due, dueWords, notKept = [] } = draft;
  if (due?.kind !== 'day' || parseDay(due.day) !== undefined) return draft;
  return { ...draft, due: undefined, dueWords: dueWords ?? due.day, notKept: [...notKept, 'date in words'] };
}

function isSame(left: DayOrTime, right: DayOrTime | undefined): boolean {
  return left.kind === 'day'
    ? right?.kind === 'day' && right.day === left.day
    : right?.kind === 'time' && right.time === left.time;
}
