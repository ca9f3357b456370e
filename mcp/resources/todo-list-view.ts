import { readFile } from 'node:fs/promises';
import { lazy } from '../../shared/resource-server/lazy.ts';
import { LEAST_URGENT_PRIORITY, MAX_COUNT } from '../../shared/todo/limits.ts';
import { VIEW_MIME_TYPE } from '../mcp-apps.ts';
import { ERROR_META_KEY, READ_ONLY_META_KEY } from '../meta-keys.ts';
import type { Resource } from './resource.ts';

/** The View of list_todos. */
export const TODO_LIST_VIEW_URI = 'ui://yata/todo-list';

/** The View loads nothing from the network. It gets its data, and makes its changes, through the host. */
const ui = {
  csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
  permissions: {},
  prefersBorder: true,
};

const findPage = lazy(assemblePage);

/** The page on which a host shows the result of list_todos (MCP Apps). It is the same for every caller and has no data. */
export const todoListView: Resource = {
  name: 'todo_list',
  title: 'Todo list',
  description: 'The page on which a host with MCP Apps shows the result of list_todos',
  mimeType: VIEW_MIME_TYPE,
  scope: undefined,
  address: { uri: TODO_LIST_VIEW_URI },
  matches: (uri) => uri === TODO_LIST_VIEW_URI,
  read: async (uri) => ({ uri, mimeType: VIEW_MIME_TYPE, text: await findPage() }),
  meta: { ui },
};

/** The constants that todo-list.js imports from TypeScript, which a browser does not load. */
const CONSTANTS = Object.entries({ LEAST_URGENT_PRIORITY, MAX_COUNT, ERROR_META_KEY, READ_ONLY_META_KEY })
  .map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`)
  .join('\n');

/** Puts the style sheet and the modules into the page, because a View has no address to load them from. */
async function assemblePage(): Promise<string> {
  const [html, css, host, todoList] = await Promise.all([
    readAsset('todo-list/todo-list.html'),
    readAsset('todo-list/todo-list.css'),
    readAsset('host.js'),
    readAsset('todo-list/todo-list.js'),
  ]);
  // functions, because `$&` and similar patterns in a replacement string have a meaning
  return html
    .replace('/* todo-list.css */', () => css)
    .replace('/* todo-list.js */', () => `${CONSTANTS}\n${host}\n${todoList}`.replace(/^import .*$|^export /gm, ''));
}

function readAsset(file: string): Promise<string> {
  return readFile(new URL(`../views/${file}`, import.meta.url), 'utf8');
}
