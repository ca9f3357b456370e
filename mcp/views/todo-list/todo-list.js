import { LEAST_URGENT_PRIORITY, MAX_COUNT } from '../../../shared/todo/limits.ts';
import { ERROR_META_KEY, READ_ONLY_META_KEY } from '../../meta-keys.ts';
import { applyHostStyles, connectToHost } from '../host.js';

// Everything is shown as text and never as HTML, because a title may contain any text.

const main = document.querySelector('main');
const heading = document.getElementById('heading');
const count = document.getElementById('count');
const list = document.getElementById('todos');
const foot = document.getElementById('foot');
const more = document.getElementById('more');
const change = document.getElementById('change');

/** Why a call failed, for a person, by the code in the result. The texts of the server are for a model. */
const REASONS = {
  version_mismatch: 'The todo has changed since this list was loaded.',
  todo_not_found: 'The todo no longer exists.',
  invalid_cursor: 'The list has changed since it was loaded.',
  insufficient_scope: 'You have not allowed this app to do that.',
  rate_limited: 'There were too many requests. Try again in a minute.',
  too_many_concurrent_requests: 'Other requests are still running. Try again in a few seconds.',
  too_many_concurrent_writes: 'Other changes are still running. Try again in a few seconds.',
  database_unavailable: 'The todo service is not available now. Try again in a few seconds.',
  todo_api_unavailable: 'The todo service is not available now. Try again in a few seconds.',
  authorization_server_unavailable: 'The sign-in service is not available now. Try again in a few seconds.',
  todo_api_failed: 'The todo service failed.',
  internal_error: 'The todo service failed.',
  access_token_rejected: 'The todo service is not set up correctly.',
};

/** The function that shows a todo, by the id of the todo. */
const shown = new Map();
let host;
let context = {};
/** The arguments of the list_todos call whose result is shown. */
let listArguments = {};
let nextCursor;
let readOnly = false;
let timeFormat;
let dayFormat;
let isoDayFormat;

try {
  host = await connectToHost(
    { name: 'yata-todo-list', title: 'Todo list', version: '1.0.0' },
    {
      'ui/notifications/tool-input': ({ arguments: args }) => {
        listArguments = args ?? {};
      },
      'ui/notifications/tool-result': showResult,
      'ui/notifications/tool-cancelled': () => {
        main.ariaBusy = 'false';
        count.textContent = 'The call was cancelled, so there is no list.';
      },
      'ui/notifications/host-context-changed': applyContext,
    },
  );
  applyContext(host.context);
  more.addEventListener('click', appendPage);
  host.start();
} catch (error) {
  main.ariaBusy = 'false';
  showProblem(foot, `The host did not open the list. ${error.message}`);
}

function showResult(result) {
  main.ariaBusy = 'false';
  clearProblem();
  // without serverTools the host calls no tools for a View
  readOnly = result._meta?.[READ_ONLY_META_KEY] === true || host.capabilities.serverTools === undefined;
  const page = pageOf(result);
  if (page === undefined) {
    showProblem(foot, reasonOf(result) || 'The result has no list.');
    return;
  }
  shown.clear();
  list.replaceChildren();
  showPage(page);
}

async function appendPage() {
  const cursor = nextCursor;
  const result = await load({ ...listArguments, cursor });
  // the host may have sent another list since
  if (result === undefined || cursor !== nextCursor) return;
  const first = shown.size;
  showPage(pageOf(result));
  const item = list.children[first];
  // the button may be hidden now: the focus moves to the first new todo
  (item?.querySelector('input') ?? item ?? heading).focus();
}

async function reload() {
  const result = await load(listArguments);
  if (result === undefined) return;
  showResult(result);
  heading.focus();
}

/** Calls list_todos, one call at a time. Shows the reason and returns undefined when the call fails. */
async function load(args) {
  if (main.ariaBusy === 'true') return undefined;
  main.ariaBusy = 'true';
  try {
    const result = await callTool('list_todos', args);
    if (pageOf(result) === undefined) throw new Error('The result has no list.');
    clearProblem();
    return result;
  } catch (error) {
    showProblem(foot, `The list was not loaded. ${error.message}`);
    return undefined;
  } finally {
    main.ariaBusy = 'false';
  }
}

function showPage({ todos, total, next_cursor }) {
  for (const todo of todos) {
    const show = shown.get(todo.id);
    if (show === undefined) list.append(createItem(todo));
    else show(todo);
  }
  nextCursor = next_cursor;
  list.hidden = shown.size === 0;
  more.hidden = nextCursor === undefined || host.capabilities.serverTools === undefined;
  count.textContent = describeCount(shown.size, total);
}

function describeCount(size, total) {
  if (size === 0) return total === 0 ? 'No todos match.' : 'No more todos.';
  if (total >= MAX_COUNT) return `${size} of ${MAX_COUNT} or more todos`;
  const todos = total === 1 ? 'todo' : 'todos';
  return size >= total ? `${size} ${todos}` : `${size} of ${total} ${todos}`;
}

function createItem(first) {
  let todo = first;
  const item = create('li');
  const title = create('span', 'title');
  title.dir = 'auto';
  const details = create('p', 'details');
  details.id = `details-${shown.size}`;
  const description = create('p', 'description');
  description.dir = 'auto';
  const checkbox = create('input');
  checkbox.type = 'checkbox';
  checkbox.addEventListener('click', (event) => {
    // one change at a time, because the next change needs the new version
    if (item.ariaBusy === 'true') event.preventDefault();
    else complete(checkbox.checked);
  });
  const row = readOnly ? create('div', 'todo') : create('label');
  row.append(...(readOnly ? [] : [checkbox]), title);
  item.append(row, details, description);
  item.tabIndex = -1;
  shown.set(todo.id, show);
  show(todo);
  return item;

  function show(changed = todo) {
    todo = changed;
    item.classList.toggle('done', todo.completed);
    title.textContent = todo.title;
    checkbox.checked = todo.completed;
    details.textContent = describeDetails(todo);
    details.hidden = details.textContent === '';
    if (details.hidden) checkbox.removeAttribute('aria-describedby');
    else checkbox.setAttribute('aria-describedby', details.id);
    description.textContent = todo.description ?? '';
    description.hidden = description.textContent === '';
  }

  async function complete(completed) {
    const { id, version, title } = todo;
    item.ariaBusy = 'true';
    clearProblem();
    try {
      const { structuredContent } = await callTool('complete_todo', { id, completed, expected_version: version });
      // the result has no description
      show({ description: todo.description, ...structuredContent });
      change.textContent = `${completed ? 'Done' : 'Reopened'}: ${title}`;
    } catch (error) {
      show(todo);
      showProblem(item, `“${title}” was not ${completed ? 'marked as done' : 'reopened'}. ${error.message}`);
    } finally {
      item.ariaBusy = 'false';
    }
  }
}

function describeDetails(todo) {
  const { completed, priority, tags = [] } = todo;
  return [
    readOnly && (completed ? 'Done' : 'Open'),
    describeDue(todo),
    priority !== undefined && priority !== LEAST_URGENT_PRIORITY && `Priority ${priority}`,
    tags.length > 0 && `Tags: ${tags.join(', ')}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

function describeDue({ completed, due_at, due_on }) {
  if (due_at) {
    const isOverdue = !completed && Date.parse(due_at) < Date.now();
    return `${isOverdue ? 'Overdue since' : 'Due'} ${timeFormat.format(Date.parse(due_at))}`;
  }
  if (due_on) {
    // the day is over when it is over where the user is
    const isOverdue = !completed && due_on < isoDayFormat.format(Date.now());
    return `${isOverdue ? 'Was due on' : 'Due on'} ${dayFormat.format(Date.parse(due_on))}`;
  }
  return undefined;
}

/** Applies what has changed in the context of the host. */
function applyContext(changed) {
  context = { ...context, ...changed };
  applyHostStyles(changed);
  createFormats();
  for (const show of shown.values()) show();
}

function createFormats() {
  // the browser may not know the language or the time zone of the host
  const locale = isKnown({ locale: context.locale }) ? context.locale : undefined;
  const timeZone = isKnown({ timeZone: context.timeZone }) ? context.timeZone : undefined;
  timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone });
  // the text of a day is parsed as its beginning in UTC
  dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  // Swedish writes a day as ISO 8601 does
  isoDayFormat = new Intl.DateTimeFormat('sv', { timeZone });
}

function isKnown({ locale, timeZone }) {
  try {
    return Boolean(new Intl.DateTimeFormat(locale, { timeZone }));
  } catch {
    return false;
  }
}

/** Shows a problem at `place`, with a button that loads the list again. Only the last problem is shown. */
function showProblem(place, text) {
  clearProblem();
  const problem = create('div', 'problem');
  problem.role = 'alert';
  problem.append(create('p', '', text));
  if (host?.capabilities.serverTools !== undefined) {
    const button = create('button', '', 'Load the list again');
    button.type = 'button';
    button.addEventListener('click', reload);
    problem.append(button);
  }
  place.append(problem);
}

function clearProblem() {
  document.querySelector('.problem')?.remove();
}

async function callTool(name, args) {
  const result = await host.callTool(name, args);
  if (result.isError) throw new Error(reasonOf(result));
  return result;
}

function pageOf({ isError, structuredContent: page }) {
  return !isError && Array.isArray(page?.todos) ? page : undefined;
}

/** Describes for a person why a call failed. A code without an entry, and a result without a code, show the server's text. */
function reasonOf({ content = [], _meta = {} }) {
  return REASONS[_meta[ERROR_META_KEY]?.code] ?? content.map(({ text = '' }) => text).join(' ');
}

function create(name, className = '', text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
