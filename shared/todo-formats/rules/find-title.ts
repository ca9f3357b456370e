import { MAX_TITLE_CHARACTERS } from '../../todo/limits.ts';
import { cutText, isVisible, toStorableLine, toStorableText } from './storable-text.ts';
import type { TodoDraft } from './todo-draft.ts';

/** The title of a todo, and the whole title of the file if it is longer than a title may be. */
export type Title = { readonly title: string; readonly whole?: string };

/** Returns the title, or else the first visible line of the text, or undefined if there is none. */
export function findTitle({ title, text = '' }: TodoDraft): Title | undefined {
  const line = toStorableLine(title);
  if (isVisible(line)) {
    const short = shorten(line);
    return short === line ? { title: line } : { title: short, whole: line };
  }
  const firstLine = toStorableText(text).split('\n').find(isVisible);
  return firstLine === undefined ? undefined : { title: shorten(toStorableLine(firstLine)) };
}

function shorten(line: string): string {
  if (cutText(line, MAX_TITLE_CHARACTERS) === line) return line;
  return `${cutText(line, MAX_TITLE_CHARACTERS - 1)}…`;
}
