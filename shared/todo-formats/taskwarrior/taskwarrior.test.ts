import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

const TASK = { uuid: '0a', description: 'A', entry: '20261101T060000Z', status: 'pending' };
const created_at = '2026-11-01T06:00:00.000Z';

function importTasks(tasks: readonly object[], options: { timeZone?: string } = {}) {
  return importText(JSON.stringify(tasks.map((task) => ({ ...TASK, ...task }))), options);
}

test('an export of Taskwarrior becomes todos', () => {
  expect(importText(EXAMPLE_FILES.taskwarrior, { timeZone: 'Europe/Vienna' })).toEqual({
    format: 'taskwarrior',
    todos: [
      todo({
        title: 'Cut the hedge',
        description: 'Comment (2026-11-06): The shears are dull',
        due_on: '2026-12-20',
        priority: 2,
        tags: ['cold', 'Yard.Front'],
        created_at,
      }),
      todo({ title: 'Sharpen the shears', due_at: '2026-12-12T15:00:00.000Z', created_at }),
      todo({ title: 'Rake', completed: true, completed_at: '2026-11-10T10:15:00.000Z', created_at }),
    ],
    notKept: [
      { what: 'UDA effort', count: 1 },
      { what: 'wait date', count: 1 },
    ],
  });
});

test.each([
  ['20261205T230000Z', 'Europe/Berlin', '2026-12-06'],
  ['20261206T225959Z', 'Europe/Berlin', '2026-12-06'],
  ['20261206T080000Z', 'America/Los_Angeles', '2026-12-06'],
  ['1796101200', 'America/New_York', '2026-12-01'],
  ['20261205T230000Z', 'UTC', '2026-12-05T23:00:00.000Z'],
])('the due date %s in %s is %s', (due, timeZone, expected) => {
  const [first] = importTasks([{ due }], { timeZone }).todos;
  expect(first?.due_on ?? first?.due_at).toBe(expected);
});

test('a recurring template is imported only without its children', () => {
  const template = { uuid: 't', status: 'recurring', recur: 'weekly' };
  const child = { description: 'B', parent: 't', recur: 'weekly', imask: 1 };
  expect(importTasks([template]).notKept).toEqual([{ what: 'recurrence', count: 1 }]);
  expect(importTasks([template, child])).toMatchObject({
    todos: [{ title: 'B' }],
    notKept: [
      { what: 'recurrence', count: 1 },
      { what: 'recurring template', count: 1 },
    ],
  });
});

test('what a todo cannot have is counted, and what is empty is not', () => {
  const task = {
    scheduled: '20261201T050000Z',
    until: '20271201T050000Z',
    start: '20261120T120000Z',
    depends: '0b,0c',
    ticket: 42,
    modified: '20261101T060000Z',
    urgency: 1.5,
  };
  const empty = { depends: [], estimate: '', mask: '' };
  expect(importTasks([task, empty, { status: 'deleted', ticket: 1 }]).notKept).toEqual(
    ['UDA ticket', 'deleted todo', 'dependency', 'scheduled date', 'started', 'until date'].map((what) => ({
      what,
      count: 1,
    })),
  );
});

test('the priority is read, and tags may be one string', () => {
  const { todos } = importTasks([
    { priority: 'H', tags: 'one,two' },
    { priority: 'M' },
    { priority: 'L' },
    { priority: 'X' },
  ]);
  expect(todos.map(({ priority }) => priority)).toEqual([1, 2, 3, 4]);
  expect(todos[0]?.tags).toEqual(['one', 'two']);
});

test('tasks may stand on a line each, with or without commas and brackets', () => {
  const line = (description: string) => JSON.stringify({ ...TASK, description });
  const titles = (file: string) => importText(file).todos.map(({ title }) => title);
  expect(titles(`${line('A')},\n\n${line('B')}\n`)).toEqual(['A', 'B']);
  expect(titles(`[${line('A')},\n${line('B')},\n]`)).toEqual(['A', 'B']);
  expect(titles(line('A'))).toEqual(['A']);
});

test('a broken line is rejected with its number', () => {
  const line = JSON.stringify(TASK);
  expect(() => importText(`${line}\n${line.replace('"A"', '"A')}\n`)).toThrow(/^Line 2: expected one task as JSON/);
  expect(() => importText(`[${line},7]`)).toThrow('Task 2: expected a JSON object');
});

test('a due date that is none stays as words', () => {
  expect(importTasks([{ due: 'someday' }])).toMatchObject({
    todos: [{ due_on: null, due_at: null, description: 'Due: someday' }],
    notKept: [{ what: 'date in words', count: 1 }],
  });
});
