import type { ForeignPriority } from '../foreign-todo.ts';
import { lastWord, type TagWord } from '../rules/take-tag-words.ts';
import { type MarkdownDay, type MarkdownSign, readDataviewField, readEmojiSign } from './markdown-fields.ts';

export type MarkdownSigns = {
  /** What stands before the signs. */
  readonly text: string;
  readonly tags: readonly string[];
  readonly priority: ForeignPriority | undefined;
  readonly days: ReadonlyMap<MarkdownDay, string>;
  readonly notKept: readonly string[];
};

/** The value of a sign has few words, such as `every 2 weeks on Tuesday`. Limits keep long lines fast. */
const MAX_VALUE_WORDS = 20;
const MAX_WORD_CHARACTERS = 500;
const MAX_SIGNS = 100;

/** Takes the signs of Obsidian Tasks and Dataview from the end of a todo. A sign within the sentence stays. */
export function takeMarkdownSigns(content: string): MarkdownSigns {
  const signs: MarkdownSign[] = [];
  const tags: string[] = [];
  let text = content.trim();
  for (let count = 0; count < MAX_SIGNS && text !== ''; count += 1) {
    const tag = findMarkdownTag(lastShortWord(text));
    const taken = tag?.isWhole ? { before: text.slice(0, -tag.tag.length - 1), sign: undefined } : takeLastSign(text);
    if (taken === undefined) break;
    if (tag?.isWhole) tags.unshift(tag.tag);
    if (taken.sign) signs.push(taken.sign);
    text = taken.before.trimEnd();
  }

  const days = new Map<MarkdownDay, string>();
  for (const sign of signs) if (sign.kind === 'day') days.set(sign.field, sign.day);
  return {
    // a todo of nothing but tags keeps them
    text: text === '' ? tags.map((tag) => `#${tag}`).join(' ') : text,
    tags,
    priority: signs.find((sign) => sign.kind === 'priority')?.priority,
    days,
    notKept: signs.flatMap((sign) => (sign.kind === 'lost' ? [sign.what] : [])),
  };
}

type Taken = { readonly before: string; readonly sign: MarkdownSign };

function takeLastSign(text: string): Taken | undefined {
  const word = lastShortWord(text);
  if (/^\^[A-Za-z0-9-]+$/.test(word)) return { before: text.slice(0, -word.length), sign: { kind: 'nothing' } };
  return readDataviewField(text) ?? takeEmojiSign(text);
}

function takeEmojiSign(text: string): Taken | undefined {
  const value: string[] = [];
  let rest = text;
  while (rest !== '' && value.length < MAX_VALUE_WORDS) {
    const word = lastShortWord(rest);
    const found = readEmojiSign(word, value.join(' '));
    if (found !== undefined) {
      return found.sign && { before: rest.slice(0, rest.length - word.length + found.start), sign: found.sign };
    }
    value.unshift(word);
    rest = rest.slice(0, rest.length - word.length).trimEnd();
  }
  return undefined;
}

function lastShortWord(text: string): string {
  return lastWord(text.slice(-MAX_WORD_CHARACTERS));
}

/** A tag of Obsidian has at least one character that is no digit: `#123` is an issue. */
export function findMarkdownTag(word: string): TagWord | undefined {
  const tag = /^#([^\s!@#$%^&*(),.?":{}|<>[\]`';=+~\\/][^\s!@#$%^&*(),.?":{}|<>[\]`';=+~\\]*)/u.exec(word)?.[1];
  if (tag === undefined || /^[\d/]+$/.test(tag)) return undefined;
  return { tag, isWhole: tag.length === word.length - 1 };
}
