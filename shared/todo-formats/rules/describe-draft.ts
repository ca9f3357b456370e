import { toStorableLine, toStorableText } from './storable-text.ts';
import type { TodoDraft } from './todo-draft.ts';

/** Everything about a todo that has no field of its own, as paragraphs. It may be longer than a description. */
export function describeDraft(
  draft: TodoDraft,
  { wholeTitle, parentTitle }: { wholeTitle: string | undefined; parentTitle: string | undefined },
): string {
  const { text, dueWords, checklist = [], comments = [], location, links = [] } = draft;
  const paragraphs = [
    wholeTitle ?? '',
    text ?? '',
    withLabel('Due', dueWords),
    checklist.join('\n'),
    comments.map(({ day, text }) => withLabel(day === undefined ? 'Comment' : `Comment (${day})`, text)).join('\n'),
    withLabel('Location', location),
    links.map((link) => withLabel('Link', toStorableLine(link))).join('\n'),
    withLabel('Part of', parentTitle),
  ];
  return paragraphs
    .map(toStorableText)
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

function withLabel(label: string, text = ''): string {
  const trimmed = toStorableText(text);
  return trimmed === '' ? '' : `${label}: ${trimmed}`;
}
