import fc from 'fast-check';
import type { ImportedTodo, NewTodo } from '../../shared/todo/todo.ts';

/** Words in several scripts, some of which are prefixes of others. */
export const anyWord = fc.constantFrom('buy', 'Buy', 'buyer', 'milk', 'MILCH', 'Zoë', 'straße', '東京', '2027', 'æ');

/** Texts with a special meaning in SQL, PostgreSQL arrays, JSON or text search. */
const anySpecialText = fc.constantFrom(
  'null',
  ' a',
  'a ',
  '{a}',
  'a,b',
  '"',
  '\\',
  "'",
  '?',
  '$1',
  ':a',
  'a\nb"',
  '\\n',
  '%_',
  '<!-- & | ! :* -->',
  '🎉',
  'e\u0301',
  '\u{10ffff}',
  '\ufeff',
);

/** Texts that are valid as a title and as a tag. */
export const anyText = fc
  .oneof(
    anySpecialText,
    fc.array(anyWord, { minLength: 1, maxLength: 4 }).map((words) => words.join(' ')),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }),
  )
  .filter((text) => text.length <= 50 && !text.includes('\0') && text.trim() !== '');

/** Times. There are only eight, so that many todos have equal times. */
export const anyTime = fc.constantFrom(
  '0001-01-01T00:00:00.000Z',
  '1999-12-31T23:59:59.999Z',
  '2010-11-07T03:00:00.000Z',
  '2011-12-30T09:59:59.999Z',
  '2027-01-31T09:00:00.000Z',
  '2027-01-31T09:00:00.001Z',
  '2027-06-01T12:30:00.120Z',
  '9999-12-31T23:59:59.999Z',
);

/**
 * Days. There are only few, so that many todos have equal days, and some are those of `anyTime`. In St. John's the clock went
 * back over midnight on 7 November 2010, and in Apia there was no 30 December 2011.
 */
export const anyDay = fc.constantFrom(
  ...['0001-01-01', '1999-12-31', '2027-01-31', '2027-03-28', '9999-12-31'],
  ...['2010-11-06', '2010-11-07', '2011-12-29', '2011-12-30'],
);

/** When a todo is due: at a time, on a day, or never. */
const anyDue = fc.oneof(
  anyTime.map((due_at) => ({ due_at, due_on: null })),
  anyDay.map((due_on) => ({ due_at: null, due_on })),
  fc.constant({ due_at: null, due_on: null }),
);

export const anyTags = fc
  .array(fc.oneof(anyWord, anyText), { maxLength: 4 })
  .map((tags) => [...new Set(tags.map((tag) => tag.normalize('NFC').trim()))]);

export const anyPosition = fc.oneof(
  fc.constantFrom(0, 1, 1.5, -1, 0.1 + 0.2, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.double({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true }).map((value) => value + 0),
);

/** Todos with a value for every field that a client sets, also for those that an import may omit. */
export const anyTodo = fc
  .record({
    title: anyText,
    description: fc.option(anyText),
    completed: fc.boolean(),
    due: anyDue,
    priority: fc.integer({ min: 1, max: 4 }),
    tags: anyTags,
    position: anyPosition,
    created_at: anyTime,
  })
  .map(({ due, ...todo }) => ({ ...todo, ...due })) satisfies fc.Arbitrary<ImportedTodo & Required<NewTodo>>;
