/** The longest word that is searched for. Real words are shorter, and a text index accepts this length. */
const MAX_WORD_CHARACTERS = 100;

/** The words of a text for a search: letters and digits in lower case, each word once. */
export function searchWords(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return [...new Set(words.map((word) => [...word].slice(0, MAX_WORD_CHARACTERS).join('')))];
}
