import { readFile } from 'node:fs/promises';
import { lazy } from '../../shared/resource-server/lazy.ts';
import { LEAST_URGENT_PRIORITY, MAX_COUNT } from '../../shared/todo/limits.ts';
import { TODO_LIST_URI, VIEW_MIME_TYPE } from '../protocol/mcp-apps.ts';
import type { Resource } from './resource.ts';

/** Needs nothing from anywhere: what it shows, and what it does, goes through the host. */
const ui = {
  csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
  permissions: {},
  prefersBorder: true,
};

const page = lazy(assemblePage);

/** The list of todos as a page: `ui://yata/todo-list`. It is the same for every caller, and holds no todo. */
export const todoListView: Resource = {
  name: 'todo_list',
  title: 'Todo list',
  description: 'The page on which a host that renders MCP Apps shows the result of list_todos',
  mimeType: VIEW_MIME_TYPE,
  scope: undefined,
  address: { uri: TODO_LIST_URI },
  matches: (uri) => uri === TODO_LIST_URI,
  read: async (uri) => ({ uri, mimeType: VIEW_MIME_TYPE, text: await page() }),
  meta: { ui },
};

/** The constants that todo-list.js imports from the todo contract. */
const LIMITS = Object.entries({ LEAST_URGENT_PRIORITY, MAX_COUNT })
  .map(([name, value]) => `const ${name} = ${value};`)
  .join('\n');

/** Puts the style sheet and the modules into the page: a View has no address from which it could load them. */
async function assemblePage(): Promise<string> {
  const [html, css, host, todoList] = await Promise.all([
    read('todo-list/todo-list.html'),
    read('todo-list/todo-list.css'),
    read('host.js'),
    read('todo-list/todo-list.js'),
  ]);
  // functions, for in a string $& and its like are not what they seem
  return html
    .replace('/* todo-list.css */', () => css)
    .replace('/* todo-list.js */', () => `${LIMITS}\n${host}\n${todoList}`.replace(/^import .*$|^export /gm, ''));
}

function read(file: string): Promise<string> {
  return readFile(new URL(`../views/${file}`, import.meta.url), 'utf8');
}
