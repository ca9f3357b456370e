import { MAX_TAG_CHARACTERS } from '../../todo/limits.ts';
import { cutText, isVisible, toStorableLine } from './storable-text.ts';
import type { TodoDraft } from './todo-draft.ts';

/** The list that a program has from the start. It says nothing about a todo. */
const DEFAULT_LISTS: ReadonlySet<string> = new Set(['inbox', 'my tasks']);

/** Different tags that the API accepts, the most telling ones first. There may be more than a todo can have. */
export function listTags({ cancelled = false, labels = [], lists = [] }: TodoDraft): string[] {
  const ownLists = lists.filter((list) => !DEFAULT_LISTS.has(list.trim().toLowerCase()));
  const tags = [...(cancelled ? ['cancelled'] : []), ...labels, ...ownLists]
    .map((tag) => cutText(toStorableLine(tag).normalize('NFC'), MAX_TAG_CHARACTERS).trim())
    .filter(isVisible);
  return [...new Set(tags)];
}
