import * as z from 'zod';
import { Time } from './text.ts';
import { Tag } from './todo.ts';

/** What a list of todos is sorted by; `-` before it turns the order round. */
export const SORT_FIELDS = ['created_at', 'updated_at', 'due_at', 'priority', 'position'] as const;
export const SORTS = SORT_FIELDS.flatMap((field) => [field, `-${field}`] as const);

/** Todos on a page, when nothing is said, and at the most. */
const PAGE = 50;
const LONGEST_PAGE = 200;

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most}`)
    .meta({ type: 'integer', minimum: least, maximum: most });

const flag = z.enum(['true', 'false'], 'true or false').transform((value) => value === 'true');

/** The query of a list of todos: filters that all hold, an order, and a page. */
export const TodoListQuery = z
  .strictObject(
    {
      completed: flag.describe('Only those that are completed, or are not'),
      due_before: Time.describe('Only those that are due before this time'),
      due_after: Time.describe('Only those that are due at this time or later'),
      priority: whole(1, 4).describe('Only those of this priority'),
      tag: Tag.describe('Only those with this tag'),
      q: z
        .string()
        .max(200, 'at most 200 characters')
        .refine((value) => wordsOf(value).length > 0, 'a word to look for')
        .refine((value) => wordsOf(value).length <= 10, 'at most ten words')
        .describe('Only those in whose title or description each of these words begins a word'),
      sort: z
        .enum(SORTS, `one of ${SORTS.join(', ')}`)
        .describe('The order; - before the name turns it round. Without due_at comes last, and first in -due_at'),
      limit: whole(1, LONGEST_PAGE).describe(`Todos on a page: ${PAGE} when nothing is said`),
      cursor: z.string().max(1000, 'a cursor from a Link header').describe('Where the page begins, from a Link header'),
      count: flag.describe('Whether Total-Count says how many there are on all pages, up to 10,000'),
    },
    'a query',
  )
  .partial()
  .transform(({ sort = 'created_at', limit = PAGE, ...filters }) => ({ sort, limit, ...filters }));
export type TodoListQuery = z.infer<typeof TodoListQuery>;

/** The words of a text as a search knows them: letters and digits, in lower case, each once. */
export function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  // longer than any word, and as long as an index takes
  return [...new Set(words.map((word) => [...word].slice(0, 100).join('')))];
}
