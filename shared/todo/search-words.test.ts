import { expect, test } from 'vitest';
import { queryWords, searchWords } from './search-words.ts';

/** Whether a text is found: each word of the query is the beginning of a word of the text. */
function finds(query: string, text: string): boolean {
  const words = searchWords(text);
  const wanted = queryWords(query);
  return wanted.length > 0 && wanted.every((word) => words.some((known) => known.startsWith(word)));
}

test.each([
  ['牛奶', '明天去超市买牛奶'],
  ['奶', '明天去超市买牛奶'],
  ['超市', '明天去超市买牛奶'],
  ['牛乳', '明日スーパーで牛乳を買う'],
  ['スーパー', '明日スーパーで牛乳を買う'],
  ['นม', 'ซื้อนมพรุ่งนี้'],
  ['iphone', 'iPhone15を買う'],
  ['買う', 'iPhone15を買う'],
  ['größe', 'Die Größe'],
  ['MILK', 'buy milk'],
])('%s is found in %s', (query, text) => {
  expect(finds(query, text)).toBe(true);
});

test.each([
  ['牛肉', '明天去超市买牛奶'],
  ['奶牛', '明天去超市买牛奶'],
  ['ilk', 'buy milk'],
  ['?!', 'buy milk'],
  ['', 'buy milk'],
])('%s is not found in %s', (query, text) => {
  expect(finds(query, text)).toBe(false);
});
