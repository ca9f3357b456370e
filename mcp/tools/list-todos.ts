import * as z from 'zod';
import { MAX_COUNT, MAX_SEARCH_CHARACTERS, MAX_SEARCH_WORDS } from '../../shared/todo/limits.ts';
import { SORTS } from '../../shared/todo/list-query.ts';
import { searchWords } from '../../shared/todo/search-words.ts';
import { Time } from '../../shared/todo/text.ts';
import { Priority, Tag } from '../../shared/todo/todo.ts';
import { TODO_LIST_URI } from '../protocol/mcp-apps.ts';
import { describeTodo, ResponseFormat, ShownTodo, showTodo } from './shown-todo.ts';
import { defineTool } from './tool.ts';

/** Todos on a page when nothing is said, and at the most: more would fill a model's context. */
const PAGE = 25;
const LONGEST_PAGE = 100;

export const listTodos = defineTool({
  name: 'list_todos',
  title: 'List todos',
  description:
    'Finds todos, with the ids and versions that other tools need: all, or those that pass every filter given. A page at a time; total says how many there are, next_cursor gets the next page. For one whose id is known, use get_todo.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  scope: 'todos:read',
  meta: { ui: { resourceUri: TODO_LIST_URI } },
  input: z
    .strictObject(
      {
        completed: z.boolean('true or false'),
        due_before: Time,
        due_after: Time,
        priority: Priority,
        tag: Tag,
        query: z
          .string('words to look for')
          .max(MAX_SEARCH_CHARACTERS, `at most ${MAX_SEARCH_CHARACTERS} characters`)
          .refine((value) => searchWords(value).length > 0, 'words to look for, or no query')
          .refine((value) => searchWords(value).length <= MAX_SEARCH_WORDS, `at most ${MAX_SEARCH_WORDS} words`)
          .describe('Words in title or description'),
        sort: z.enum(SORTS, `one of ${SORTS.join(', ')}`).describe('Default created_at; - turns it round'),
        limit: z
          .int(`a whole number from 1 to ${LONGEST_PAGE}`)
          .min(1, `a whole number from 1 to ${LONGEST_PAGE}`)
          .max(LONGEST_PAGE, `a whole number from 1 to ${LONGEST_PAGE}`)
          .describe(`Default ${PAGE}`),
        cursor: z.string('a next_cursor').max(1000, 'a next_cursor').describe('next_cursor, with all else the same'),
        response_format: ResponseFormat.describe('Default concise'),
      },
      'a JSON object',
    )
    .partial(),
  output: z.object({
    todos: z.array(ShownTodo),
    total: z.int(),
    next_cursor: z.string().optional(),
  }),
  async run({ query: q, response_format, limit = PAGE, ...filters }, { todos, signal }) {
    const given = Object.entries({ ...filters, q, limit, count: true }).filter(([, value]) => value !== undefined);
    const query = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
    const page = await todos.list(query, { signal });
    return {
      todos: page.todos.map((todo) => showTodo(todo, response_format)),
      total: page.total ?? page.todos.length,
      ...(page.nextCursor !== undefined && { next_cursor: page.nextCursor }),
    };
  },
  describe({ todos, total, next_cursor }) {
    if (total === 0) return 'There are no such todos.';
    const count = total >= MAX_COUNT ? `${MAX_COUNT} or more` : String(total);
    if (todos.length === 0) return `There are no more todos. There are ${count} on all pages.`;
    const more = next_cursor === undefined ? '' : ` Go on with cursor ${next_cursor}`;
    return `${todos.map(describeTodo).join('\n')}\n${todos.length} of ${count}.${more}`;
  },
});
