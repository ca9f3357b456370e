/** The tag that a word is, or only contains, as in `@Anna,`. */
export type TagWord = { readonly tag: string; readonly isWhole: boolean };

/**
 * Finds the tags among the words of a text. Tag words at its start and its end leave the text; a tag within the sentence stays.
 * A text of nothing but tags stays as it is.
 */
export function takeTagWords(
  text: string,
  findTag: (word: string) => TagWord | undefined,
): { text: string; tags: string[] } {
  const whole = text.trim();
  let rest = whole;
  const first: string[] = [];
  for (;;) {
    const word = /^\S+/.exec(rest)?.[0] ?? '';
    const found = findTag(word);
    if (!found?.isWhole) break;
    first.push(found.tag);
    rest = rest.slice(word.length).trimStart();
  }

  const last: string[] = [];
  for (;;) {
    const word = lastWord(rest);
    const found = findTag(word);
    if (!found?.isWhole) break;
    last.push(found.tag);
    rest = rest.slice(0, rest.length - word.length).trimEnd();
  }

  const within: string[] = [];
  for (const [word] of rest.matchAll(/\S+/g)) {
    const found = findTag(word);
    if (found) within.push(found.tag);
  }
  return { text: rest === '' ? whole : rest, tags: [...first, ...within, ...last.reverse()] };
}

/** A regular expression that ends in `\S+$` needs time that grows with the square of a long word. */
export function lastWord(text: string): string {
  let start = text.length;
  while (start > 0 && !/\s/.test(text.charAt(start - 1))) start -= 1;
  return text.slice(start);
}
