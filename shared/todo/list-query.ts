import * as z from 'zod';
import {
  DEFAULT_PAGE_SIZE,
  LEAST_URGENT_PRIORITY,
  MAX_COUNT,
  MAX_PAGE_SIZE,
  MAX_SEARCH_CHARACTERS,
  MAX_SEARCH_WORDS,
} from './limits.ts';
import { searchTerms } from './search-words.ts';
import { DueBound, TimeZone } from './text.ts';
import { Tag, type Todo } from './todo.ts';

/** The fields that a list can be sorted by. */
export const SORT_FIELDS = [
  'created_at',
  'updated_at',
  'due_at',
  'priority',
  'position',
] as const satisfies readonly (keyof Todo)[];
export type SortField = (typeof SORT_FIELDS)[number];

/** The orders of a list: `-` reverses the order. */
export const SORTS = SORT_FIELDS.flatMap((field) => [field, `-${field}`] as const);

/** `True` and `False` are what Python writes. */
const flag = z
  .string()
  .refine((value) => /^(true|false)$/i.test(value), 'true or false')
  .transform((value) => value.toLowerCase() === 'true')
  .meta({ type: 'boolean' });

/** The query of a list of todos: filters that must all match, an order, and a page. */
export const TodoListQuery = z
  .strictObject(
    {
      completed: flag.describe('Only todos that are completed (true) or open (false)'),
      due_before: DueBound.describe('Only todos that are due before this time, or before the beginning of this day'),
      due_after: DueBound.describe('Only todos that are due at this time or later, or on this day or later'),
      time_zone: TimeZone.describe(
        'Where days begin and end, for `due_before`, `due_after` and the order: an IANA name. A todo with `due_on` is due at the end of its day. The default is UTC',
      ),
      priority: wholeNumber(1, LEAST_URGENT_PRIORITY).describe('Only todos with this priority'),
      tag: Tag.describe('Only todos with this tag'),
      q: z
        .string()
        .max(MAX_SEARCH_CHARACTERS, `at most ${MAX_SEARCH_CHARACTERS} characters`)
        .refine((value) => searchTerms(value).length <= MAX_SEARCH_WORDS, `at most ${MAX_SEARCH_WORDS} words`)
        .describe(
          'Only todos where each of these words is the beginning of a word in the title or description. Words of languages without spaces are found anywhere',
        ),
      sort: z
        .enum(SORTS, `one of ${SORTS.join(', ')}`)
        .describe(
          'The order. `-` reverses it. `due_at` is the order of `due_at` and `due_on` together; todos with neither are last, and first in `-due_at`',
        ),
      limit: wholeNumber(1, MAX_PAGE_SIZE).describe(`Todos on a page. The default is ${DEFAULT_PAGE_SIZE}`),
      cursor: z
        .string()
        .max(1000, 'a cursor from a Link header')
        .describe('Where the page begins. Take it from a Link header'),
      count: flag.describe(
        `Whether the Total-Count header has the number of todos on all pages, up to ${MAX_COUNT.toLocaleString('en')}`,
      ),
    },
    'a query',
  )
  .partial()
  .transform(({ sort = 'created_at', limit = DEFAULT_PAGE_SIZE, time_zone = 'UTC', ...filters }) => ({
    sort,
    limit,
    time_zone,
    ...filters,
  }));
export type TodoListQuery = z.infer<typeof TodoListQuery>;

function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .meta({ type: 'integer', minimum: min, maximum: max });
}
