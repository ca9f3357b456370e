import { parseDay } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import type { ForeignPriority } from '../foreign-todo.ts';

/** The days that a todo keeps. */
export type MarkdownDay = 'due' | 'completed' | 'cancelled' | 'created';

export type MarkdownSign =
  | { readonly kind: 'priority'; readonly priority: ForeignPriority }
  | { readonly kind: 'day'; readonly field: MarkdownDay; readonly day: string }
  | { readonly kind: 'lost'; readonly what: string }
  | { readonly kind: 'nothing' };

type ReadValue = (value: string) => MarkdownSign | undefined;

const READERS = {
  due: onDay((day) => ({ kind: 'day', field: 'due', day })),
  completed: onDay((day) => ({ kind: 'day', field: 'completed', day })),
  cancelled: onDay((day) => ({ kind: 'day', field: 'cancelled', day })),
  created: onDay((day) => ({ kind: 'day', field: 'created', day })),
  start: onDay(() => ({ kind: 'lost', what: 'start date' })),
  scheduled: onDay(() => ({ kind: 'lost', what: 'scheduled date' })),
  recurrence: matching(/^every [\p{L}\p{N}, !]+$/iu, { kind: 'lost', what: 'recurrence' }),
  onCompletion: matching(/^\w+$/, { kind: 'lost', what: 'on completion' }),
  dependsOn: matching(/^[\w-]+(?:\s*,\s*[\w-]+)*$/, { kind: 'lost', what: 'dependency' }),
  id: matching(/^[\w-]+$/, { kind: 'nothing' }),
} satisfies Record<string, ReadValue>;

const EMOJI: ReadonlyMap<string, ReadValue> = new Map([
  ['🔺', alone(1)],
  ['⏫', alone(2)],
  ['🔼', alone(3)],
  ['🔽', alone(LEAST_URGENT_PRIORITY)],
  ['⏬', alone(LEAST_URGENT_PRIORITY)],
  ['📅', READERS.due],
  ['📆', READERS.due],
  ['🗓', READERS.due],
  ['✅', READERS.completed],
  ['❌', READERS.cancelled],
  ['➕', READERS.created],
  ['🛫', READERS.start],
  ['⏳', READERS.scheduled],
  ['⌛', READERS.scheduled],
  ['🔁', READERS.recurrence],
  ['🏁', READERS.onCompletion],
  ['⛔', READERS.dependsOn],
  ['🆔', READERS.id],
]);

const DATAVIEW: ReadonlyMap<string, ReadValue> = new Map<string, ReadValue>([
  ['priority', readPriorityName],
  ['due', READERS.due],
  ['completion', READERS.completed],
  ['cancelled', READERS.cancelled],
  ['created', READERS.created],
  ['start', READERS.start],
  ['scheduled', READERS.scheduled],
  ['repeat', READERS.recurrence],
  ['oncompletion', READERS.onCompletion],
  ['dependson', READERS.dependsOn],
  ['id', READERS.id],
]);

const PRIORITY_NAMES: ReadonlyMap<string, ForeignPriority> = new Map([
  ['highest', 1],
  ['high', 2],
  ['medium', 3],
  ['low', LEAST_URGENT_PRIORITY],
  ['lowest', LEAST_URGENT_PRIORITY],
]);

const MAX_FIELD_CHARACTERS = 200;
const EMOJI_SIGN = new RegExp([...EMOJI.keys()].join('|'), 'gu');

/**
 * Finds the last emoji in a word and reads its value, which is the rest of the word and the words after it. Returns undefined
 * for a word without an emoji, and no sign for a value that does not belong to it.
 */
export function readEmojiSign(
  word: string,
  wordsAfter: string,
): { readonly start: number; readonly sign: MarkdownSign | undefined } | undefined {
  const match = [...word.matchAll(EMOJI_SIGN)].at(-1);
  if (!match) return undefined;
  const [emoji] = match;
  const rest = word.slice(match.index + emoji.length).replace(/^\uFE0F/, '');
  const sign = EMOJI.get(emoji)?.(`${rest} ${wordsAfter}`.trim());
  return { start: match.index, sign };
}

/** Reads `[due:: 2026-12-03]` or `(due:: 2026-12-03)` at the end of a text. A comma may follow. */
export function readDataviewField(text: string): { readonly before: string; readonly sign: MarkdownSign } | undefined {
  const end = text.slice(-MAX_FIELD_CHARACTERS);
  const match = /(?:\[([^[\]()]+)\]|\(([^[\]()]+)\))\s*,?$/.exec(end);
  const [, name = '', value = ''] = /^\s*([A-Za-z]+)\s*::(.*)$/s.exec(match?.[1] ?? match?.[2] ?? '') ?? [];
  const sign = DATAVIEW.get(name.toLowerCase())?.(value.trim());
  return match && sign ? { before: text.slice(0, text.length - match[0].length), sign } : undefined;
}

function onDay(toSign: (day: string) => MarkdownSign): ReadValue {
  return (value) => {
    const day = parseDay(value);
    return day === undefined ? undefined : toSign(day);
  };
}

function matching(pattern: RegExp, sign: MarkdownSign): ReadValue {
  return (value) => (pattern.test(value) ? sign : undefined);
}

function alone(priority: ForeignPriority): ReadValue {
  return (value) => (value === '' ? { kind: 'priority', priority } : undefined);
}

function readPriorityName(value: string): MarkdownSign | undefined {
  const priority = PRIORITY_NAMES.get(value.toLowerCase());
  return priority === undefined ? undefined : { kind: 'priority', priority };
}
