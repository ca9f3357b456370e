import type { DayOrTime } from '../../local-time.ts';
import type { TodoDraft } from './todo-draft.ts';

/** What programs in Go and for .NET write for "no date": the start of the year 1, which in another zone is the day before or after. */
export const ZERO_DATE = /^(?:-|0000|0001-?01-?0[12])/;

/** Removes the dates that mean none. */
export function withoutZeroDates(draft: TodoDraft): TodoDraft {
  const { due, dueWords, start, completedAt, createdAt, notKept } = draft;
  const wereWords = dueWords !== undefined && ZERO_DATE.test(dueWords);
  return {
    ...draft,
    due: isZero(textOf(due)) ? undefined : due,
    dueWords: wereWords ? undefined : dueWords,
    start: isZero(textOf(start)) ? undefined : start,
    completedAt: isZero(completedAt) ? undefined : completedAt,
    createdAt: isZero(createdAt) ? undefined : createdAt,
    ...(wereWords && notKept !== undefined && { notKept: notKept.filter((what) => what !== 'date in words') }),
  };
}

function textOf(date: DayOrTime | undefined): string | undefined {
  return date?.kind === 'day' ? date.day : date?.time;
}

function isZero(text: string | undefined): boolean {
  return text !== undefined && ZERO_DATE.test(text);
}
