import { LEAST_URGENT_PRIORITY, MAX_COUNT } from '../../../shared/todo/limits.ts';
import { applyHostStyles, connectToHost } from '../host.js';

// Everything that is shown is set as text: a title is whatever somebody wrote.

const main = document.querySelector('main');
const heading = document.getElementById('heading');
const count = document.getElementById('count');
const list = document.getElementById('todos');
const foot = document.getElementById('foot');
const more = document.getElementById('more');
const change = document.getElementById('change');

/** What shows a todo, by its id. */
const shown = new Map();
let host;
/** What list_todos was called with. */
let asked = {};
let nextCursor;
let readOnly = false;
let timeFormat;

try {
  host = await connectToHost(
    { name: 'yata-todo-list', title: 'Todo list', version: '1.0.0' },
    {
      'ui/notifications/tool-input': ({ arguments: args }) => {
        asked = args ?? {};
      },
      'ui/notifications/tool-result': showResult,
      'ui/notifications/tool-cancelled': () => {
        main.ariaBusy = 'false';
        count.textContent = 'The list was not fetched: the call was cancelled.';
      },
      'ui/notifications/host-context-changed': applyHostStyles,
    },
  );
  applyHostStyles(host.context);
  timeFormat = createTimeFormat(host.context);
  more.addEventListener('click', appendPage);
  host.start();
} catch (error) {
  main.ariaBusy = 'false';
  tellProblem(foot, `The host did not let the list in. ${error.message}`);
}

function showResult(result) {
  main.ariaBusy = 'false';
  clearProblem();
  // without the host's help nothing can be called
  readOnly = result._meta?.['yata/read_only'] === true || host.capabilities.serverTools === undefined;
  const page = pageOf(result);
  if (page === undefined) {
    tellProblem(foot, reasonOf(result) || 'The result holds no list.');
    return;
  }
  shown.clear();
  list.replaceChildren();
  showPage(page);
}

async function appendPage() {
  const cursor = nextCursor;
  const result = await load({ ...asked, cursor });
  // meanwhile the host may have sent another list
  if (result === undefined || cursor !== nextCursor) return;
  const first = shown.size;
  showPage(pageOf(result));
  const item = list.children[first];
  // the button may be gone, and what is new comes next
  (item?.querySelector('input') ?? item ?? heading).focus();
}

async function reload() {
  const result = await load(asked);
  if (result === undefined) return;
  showResult(result);
  heading.focus();
}

/** Calls list_todos, once at a time. Returns undefined when that was not possible, and has told why. */
async function load(args) {
  if (main.ariaBusy === 'true') return undefined;
  main.ariaBusy = 'true';
  try {
    const result = await callTool('list_todos', args);
    if (pageOf(result) === undefined) throw new Error('The result holds no list.');
    clearProblem();
    return result;
  } catch (error) {
    tellProblem(foot, `The todos were not fetched. ${error.message}`);
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
  if (size === 0) return total === 0 ? 'There are no such todos.' : 'There are no more todos.';
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
    // one change at a time: the next needs the version that this one makes
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

  function show(changed) {
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
      // it is told without its description
      show({ description: todo.description, ...structuredContent });
      change.textContent = `${completed ? 'Done' : 'Open again'}: ${title}`;
    } catch (error) {
      show(todo);
      tellProblem(item, `“${title}” was not ${completed ? 'marked as done' : 'opened again'}. ${error.message}`);
    } finally {
      item.ariaBusy = 'false';
    }
  }
}

function describeDetails({ completed, due_at, priority, tags = [] }) {
  const overdue = !completed && Date.parse(due_at) < Date.now();
  return [
    readOnly && (completed ? 'Done' : 'Open'),
    due_at && `${overdue ? 'Overdue since' : 'Due'} ${timeFormat.format(new Date(due_at))}`,
    priority !== undefined && priority !== LEAST_URGENT_PRIORITY && `Priority ${priority}`,
    tags.length > 0 && `Tags: ${tags.join(', ')}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

function createTimeFormat({ locale, timeZone }) {
  const style = { dateStyle: 'medium', timeStyle: 'short' };
  try {
    return new Intl.DateTimeFormat(locale, { ...style, timeZone });
  } catch {
    // a language or a time zone that this browser does not know
    return new Intl.DateTimeFormat(undefined, style);
  }
}

/** Tells what went wrong where it went wrong, and what can be done. There is one problem at a time, the last. */
function tellProblem(place, text) {
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

/** What a person needs of a text for a model: not the tool that comes next, for the page has a button. */
function reasonOf({ content = [] }) {
  const text = content.map(({ text = '' }) => text).join(' ');
  const sentences = text.split(/(?<=\.) /).filter((sentence) => !/\b[a-z]+_todos?\b/.test(sentence));
  return sentences.join(' ') || text;
}

function create(name, className = '', text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
