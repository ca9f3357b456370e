import type { MarkdownLine } from './markdown-lines.ts';

const MAX_INDENT = 3;

/** Remembers the nearest heading. A heading in a quote counts until the quote ends. */
export function createMarkdownHeadings(): {
  readonly read: (line: MarkdownLine, options: { isItem: boolean }) => void;
  readonly find: (depth: number) => string;
} {
  let headings: string[] = [];
  /** The text that a line of `===` or `---` makes a heading. */
  let paragraph = '';

  return {
    read({ depth, indent, content }, { isItem }) {
      headings = headings.slice(0, depth + 1);
      const heading = isItem || indent > MAX_INDENT ? undefined : findHeading(content, paragraph);
      if (heading !== undefined) headings[depth] = heading;
      paragraph = isItem || heading !== undefined ? '' : content;
    },
    find: (depth) => headings.slice(0, depth + 1).findLast((heading) => heading !== undefined) ?? '',
  };
}

function findHeading(content: string, paragraph: string): string | undefined {
  const marked = /^#{1,6}(?:[ \t](.*))?$/s.exec(content);
  if (marked) return withoutClosingMarks((marked[1] ?? '').trim());
  return paragraph !== '' && /^(?:=+|-+)$/.test(content) ? paragraph : undefined;
}

/** `## Title ##` is the title alone, but `C#` keeps its sign. */
function withoutClosingMarks(heading: string): string {
  let end = heading.length;
  while (heading.charAt(end - 1) === '#') end -= 1;
  return end === 0 || /\s/.test(heading.charAt(end - 1)) ? heading.slice(0, end).trim() : heading;
}
