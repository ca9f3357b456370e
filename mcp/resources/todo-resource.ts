import { MAX_SEARCH_CHARACTERS, MAX_SEARCH_WORDS } from '../../shared/todo/limits.ts';
import { searchTerms } from '../../shared/todo/search-words.ts';
import { TodoId } from '../../shared/todo/todo.ts';
import { toVisibleJson } from '../../shared/visible-text.ts';
import { TodoApiError } from '../todo-api/todo-api-error.ts';
import type { Resource } from './resource.ts';

const PREFIX = 'todo://';

/** One more than the 100 values that a completion may have (MCP 2025-11-25), so that the client learns of more. */
const MAX_PROPOSALS = 101;

/** One todo. Its id is completed from words of its title or description. */
export const todoResource: Resource = {
  name: 'todo',
  title: 'A todo',
  description: 'One todo with all its fields, as JSON',
  mimeType: 'application/json',
  scope: 'todos:read',
  address: { uriTemplate: `${PREFIX}{id}` },
  matches: (uri) => uri.startsWith(PREFIX) && TodoId.safeParse(uri.slice(PREFIX.length)).success,
  async read(uri, { todos, signal }) {
    try {
      const todo = await todos.get(TodoId.parse(uri.slice(PREFIX.length)), { signal });
      return { uri, mimeType: 'application/json', text: toVisibleJson(todo) };
    } catch (error) {
      if (error instanceof TodoApiError && error.status === 404) return undefined;
      throw error;
    }
  },
  async complete(value, { todos, signal }) {
    const words = searchTerms(value.slice(0, MAX_SEARCH_CHARACTERS)).slice(0, MAX_SEARCH_WORDS);
    const newest = { sort: '-updated_at', limit: String(MAX_PROPOSALS) };
    const page = await todos.list(words.length === 0 ? newest : { ...newest, q: words.join(' ') }, { signal });
    return page.todos.map(({ id }) => id);
  },
};
