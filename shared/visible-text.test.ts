import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeInvisible, quote, toVisibleJson } from './visible-text.ts';

/** Every code point that is invisible, or that changes how the text around it is read. */
const INVISIBLE = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter((character) =>
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(character),
);

test('every invisible character is escaped', () => {
  expect(INVISIBLE.length).toBeGreaterThan(4_000);
  for (const character of INVISIBLE) {
    const escaped = escapeInvisible(`a${character}b`);
    expect(escaped).toMatch(/^a\\([nrt]|u\{[0-9A-F]+\})b$/);
  }
  expect(escapeInvisible('a\n\u202e\u2028\u{e0041}\u0085b')).toBe('a\\n\\u{202E}\\u{2028}\\u{E0041}\\u{85}b');
});

test.each([
  'Buy milk, 2 × “fresh” – ok?',
  'Zürich 東京 مرحبا',
  '👩‍👩‍👧‍👦 ❤️‍🔥 🏳️‍🌈 👍🏽 1️⃣ ☎︎ 🇨🇭 👩🏽‍🚀',
  'می‌خواهم',
  'क्‍ष र्‌य',
])('%s stays as it is', (text) => {
  expect(escapeInvisible(text)).toBe(text);
  expect(toVisibleJson(text)).toBe(JSON.stringify(text));
});

test.each([
  ['a joiner between letters', 'pass\u200dword', 'pass\\u{200D}word'],
  ['a joiner after an emoji', '👩\u200dx', '👩\\u{200D}x'],
  ['a second selector, which could carry hidden text', '❤\ufe0f\ufe0f', '❤\ufe0f\\u{FE0F}'],
  ['a selector and a joiner after a letter', 'a\ufe0f\u200d👩', 'a\\u{FE0F}\\u{200D}👩'],
  ['a mark for numbers before a joiner', '\u0600\u200dم', '\\u{600}\\u{200D}م'],
  ['other selectors', '❤\ufe01\u{e0101}', '❤\\u{FE01}\\u{E0101}'],
  ['the tags of a flag', '🏴\u{e0067}\u{e007f}', '🏴\\u{E0067}\\u{E007F}'],
  ['a lone surrogate', 'a\ud800', 'a\\u{D800}'],
])('%s is escaped', (_what, text, escaped) => {
  expect(escapeInvisible(text)).toBe(escaped);
});

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'"\\nu{ '),
    fc.constantFrom(...INVISIBLE),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

test('quoted text has no quote inside and can be read back', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const quoted = quote(text);
      expect(quoted).toMatch(/^"([^"\\]|\\["\\nrt]|\\u\{[0-9A-F]+\})*"$/);
      const read = quoted.slice(1, -1).replaceAll(/\\(?:u\{([0-9A-F]+)\}|(.))/g, (_, hex, character) => {
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
        return { n: '\n', r: '\r', t: '\t' }[character as string] ?? character;
      });
      expect(read).toBe(text);
    }),
  );
});

test('JSON with escapes parses to the same value', () => {
  fc.assert(
    fc.property(fc.dictionary(anyText, anyText), (value) => {
      const json = toVisibleJson(value);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(escapeInvisible(json)).toBe(json);
    }),
  );
});
