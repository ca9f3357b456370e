import { parseDay, startOfDay, toDay } from '../../local-time.ts';
import type { ExportedTodo } from '../written-todo.ts';
import { listTags } from './list-tags.ts';
import { isVisible, toStorableLine, toStorableText } from './storable-text.ts';

/** A value as a file can hold it, and the names of what is lost. */
type Written<T> = { readonly value: T; readonly lost: readonly string[] };

/** Every program needs a title that a reader sees. */
const UNTITLED = 'untitled';

/** A title on one line. */
export function writeTitle(title: string): Written<string> {
  const line = toStorableLine(title);
  if (!isVisible(line)) return { value: UNTITLED, lost: ['title without a visible character'] };
  return { value: line, lost: line === title ? [] : ['white space of the title'] };
}

/** A description without white space around it, or an empty text. */
export function writeDescription(description: string | null): Written<string> {
  const text = toStorableText(description ?? '');
  return { value: text, lost: text === (description ?? '') ? [] : ['white space of the description'] };
}

/** The tags that the format can hold. */
export function writeTags(tags: readonly string[], canHold: (tag: string) => boolean): Written<readonly string[]> {
  const value = tags.filter((tag) => listTags({ title: '', labels: [tag] })[0] === tag && canHold(tag));
  return { value, lost: value.length === tags.length ? [] : ['tag'] };
}

/**
 * The day of a time. A day has no time of day, so only its start is held.
 * @param what the name of the time among what is lost.
 */
export function writeDay(time: string | null, zone: string, what: string): Written<string | undefined> {
  if (time === null) return { value: undefined, lost: [] };
  const value = parseDay(toDay(time, zone));
  const isHeld = value !== undefined && startOfDay(value, zone) === time;
  return { value, lost: isHeld ? [] : [what] };
}

/** The day when a todo is due. */
export function writeDueDay({ due_on, due_at }: ExportedTodo, zone: string): Written<string | undefined> {
  if (due_on !== null) return { value: due_on, lost: [] };
  const { value } = writeDay(due_at, zone, '');
  return { value, lost: due_at === null ? [] : ['time of the due date'] };
}
