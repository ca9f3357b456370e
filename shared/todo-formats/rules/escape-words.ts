/**
 * A word joiner. It is not visible, and it is no white space, so a word that begins with it is no sign and no tag. todo.txt and
 * the signs of Markdown have no escapes of their own.
 */
export const MARK = '\u2060';

/** Puts a mark before each word that is special, so that it is read as text. */
export function escapeWords(text: string, isSpecial: (word: string, index: number) => boolean): string {
  let index = -1;
  return text.replaceAll(/\S+/g, (word) => {
    index += 1;
    return word.startsWith(MARK) || isSpecial(word, index) ? `${MARK}${word}` : word;
  });
}

/** Undoes `escapeWords`. A word that is only a mark vanishes. */
export function unescapeWords(text: string): string {
  return text.replaceAll(/(?<!\S)\u2060/g, '').trim();
}
