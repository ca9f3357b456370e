/** The longest word that is searched for. Real words are shorter, and a text index accepts this length. */
const MAX_WORD_CHARACTERS = 100;

/** Words, and the text between two spaces of a script that writes no spaces between words. */
const RUNS = /[\p{L}\p{N}\p{M}]+/gu;

/** The scripts that write no spaces between words: Chinese, Japanese, Thai, Lao, Khmer and Burmese. */
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]+|[^\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]+/gu;
const IS_UNSPACED =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;

/**
 * The words of a text for a search: letters and digits in lower case, each word once. Where a script writes no spaces, each
 * pair of neighbouring characters counts as a word, and so does the last character.
 */
export function searchWords(text: string): string[] {
  return [
    ...new Set(searchTerms(text).flatMap((term) => (isUnspaced(term) ? [...pairsOf(term), lastOf(term)] : term))),
  ];
}

/**
 * What a search looks for. Each must be the beginning of one of the `searchWords` of a text that is found. A part of a text
 * without spaces is found by its pairs of characters.
 */
export function queryWords(query: string): string[] {
  return [
    ...new Set(searchTerms(query).flatMap((term) => (isUnspaced(term) && [...term].length > 1 ? pairsOf(term) : term))),
  ];
}

/** The words of a text, and its parts in a script without spaces. */
export function searchTerms(text: string): string[] {
  const runs = text.normalize('NFKC').toLowerCase().match(RUNS) ?? [];
  return runs
    .flatMap((run) => run.match(UNSPACED) ?? [])
    .map((term) => (isUnspaced(term) ? term : [...term].slice(0, MAX_WORD_CHARACTERS).join('')));
}

function isUnspaced(term: string): boolean {
  return IS_UNSPACED.test(term);
}

function pairsOf(term: string): string[] {
  const characters = [...term];
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

function lastOf(term: string): string {
  return [...term].at(-1) ?? '';
}
