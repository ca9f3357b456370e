import * as z from 'zod';
import { MAX_COUNT, MAX_SEARCH_CHARACTERS, MAX_SEARCH_WORDS } from '../../shared/todo/limits.ts';
import { SORTS } from '../../shared/todo/list-query.ts';
import { searchTerms } from '../../shared/todo/search-words.ts';
import { DueBound, TimeZone } from '../../shared/todo/text.ts';
import { Priority, Tag } from '../../shared/todo/todo.ts';
import { TODO_LIST_VIEW_URI } from '../resources/todo-list-view.ts';
import { describeTodo, markAsData } from '../todos/describe-todo.ts';
import { PresentedTodo, presentTodo, ResponseFormat } from '../todos/present-todo.ts';
import { defineTool } from './tool.ts';

/** Todos on a page: fewer than the API allows, because a page fills the context of a model. */
const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;

const LIMIT = `a whole number from 1 to ${MAX_LIMIT}`;

export const listTodos = defineTool({
  name: 'list_todos',
  title: 'List todos',
  description:
    'Lists the todos that match all given filters. total counts all pages. next_cursor gets the next page. To read one todo by its id, use get_todo.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  meta: { ui: { resourceUri: TODO_LIST_VIEW_URI } },
  example: { completed: false, sort: 'due_at' },
  input: z
    .strictObject(
      {
        completed: z.boolean('true or false'),
        due_before: DueBound.describe('Time or day'),
        due_after: DueBound,
        time_zone: TimeZone.describe('Where days begin and end. Default UTC'),
        priority: Priority,
        tag: Tag,
        query: z
          .string('words')
          .max(MAX_SEARCH_CHARACTERS, `at most ${MAX_SEARCH_CHARACTERS} characters`)
          // a model sends an empty query for no filter, and would take an empty list for the whole truth
          .refine((value) => searchTerms(value).length > 0, 'at least one word, or no query')
          .refine((value) => searchTerms(value).length <= MAX_SEARCH_WORDS, `at most ${MAX_SEARCH_WORDS} words`)
          .describe('Words in title or description'),
        sort: z.enum(SORTS, `one of ${SORTS.join(', ')}`).describe('Default created_at. - reverses'),
        limit: z.int(LIMIT).min(1, LIMIT).max(MAX_LIMIT, LIMIT).describe(`Default ${DEFAULT_LIMIT}`),
        cursor: z
          .string('a next_cursor')
          .max(1000, 'a next_cursor')
          .describe('next_cursor. Repeat all other arguments'),
        response_format: ResponseFormat.describe('Default concise'),
      },
      'a JSON object',
    )
    .partial(),
  output: z.object({
    todos: z.array(PresentedTodo),
    total: z.int(),
    next_cursor: z.string().optional(),
  }),
  async run({ query: q, response_format, limit = DEFAULT_LIMIT, ...filters }, { todos, signal }) {
    const given = Object.entries({ ...filters, q, limit, count: true }).filter(([, value]) => value !== undefined);
    const query = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
    const page = await todos.list(query, { signal });
    return {
      todos: page.todos.map((todo) => presentTodo(todo, response_format)),
      total: page.total ?? page.todos.length,
      ...(page.nextCursor !== undefined && { next_cursor: page.nextCursor }),
    };
  },
  describe({ todos, total, next_cursor }) {
    if (total === 0) return 'No todos match.';
    const count = total >= MAX_COUNT ? `${MAX_COUNT} or more` : String(total);
    if (todos.length === 0) return `No more todos. All pages together have ${count}.`;
    const more = next_cursor === undefined ? '' : ` Next page: cursor ${next_cursor}`;
    return `${markAsData(todos.map(describeTodo))}\n${todos.length} of ${count}.${more}`;
  },
});
