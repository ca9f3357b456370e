import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

function importTasks(tasks: readonly object[], options: { timeZone?: string } = {}) {
  const list = { kind: 'tasks#taskList', title: 'My Tasks', items: tasks };
  return importText(JSON.stringify({ kind: 'tasks#taskLists', items: [list] }), options);
}

test('Tasks.json of Google Takeout becomes todos', () => {
  expect(importText(EXAMPLE_FILES['google-tasks'])).toEqual({
    format: 'google-tasks',
    todos: [
      todo({ title: 'Print the notes', description: 'For 30', due_on: '2026-12-20', tags: ['Choir'] }),
      todo({
        title: 'Buy paper',
        description: 'Part of: Print the notes',
        completed: true,
        completed_at: '2026-11-20T17:05:00.000Z',
        tags: ['Choir'],
      }),
      todo({ title: 'Reply to Kim', description: 'Link: https://mail.example/9', tags: ['Choir'] }),
    ],
    notKept: [],
  });
});

test('a due date is its day in every time zone', () => {
  const tasks = [{ title: 'A', due: '2027-05-31T00:00:00.000Z' }];
  for (const timeZone of ['America/Los_Angeles', 'Pacific/Kiritimati']) {
    expect(importTasks(tasks, { timeZone }).todos[0]?.due_on).toBe('2027-05-31');
  }
});

test('a due date that is none stays as words', () => {
  const { todos, notKept } = importTasks([{ title: 'A', due: '2027-02-29T00:00:00.000Z' }]);
  expect(todos).toEqual([todo({ title: 'A', description: 'Due: 2027-02-29T00:00:00.000Z' })]);
  expect(notKept).toEqual([{ what: 'date in words', count: 1 }]);
});

test('a deleted task is counted, and a hidden one is imported', () => {
  const { todos, notKept } = importTasks([
    { title: 'A', deleted: true },
    { title: 'B', hidden: true, created: '2026-09-01T06:00:00.000Z', updated: '2026-10-01T06:00:00.000Z' },
    { title: '' },
    { title: ' ', notes: '\n Only a note \nwith two lines' },
  ]);
  expect(todos).toEqual([
    todo({ title: 'B', created_at: '2026-09-01T06:00:00.000Z' }),
    todo({ title: 'Only a note', description: 'Only a note \nwith two lines' }),
  ]);
  expect(notKept).toEqual([
    { what: 'deleted todo', count: 1 },
    { what: 'todo without a title', count: 1 },
  ]);
});

test('ids belong to their list', () => {
  const list = (title: string, items: readonly object[]) => ({ title, items });
  const items = [list('One', [{ id: '1', title: 'A' }]), list('Two', [{ id: '2', parent: '1', title: 'B' }])];
  expect(importText(JSON.stringify({ kind: 'tasks#taskLists', items })).todos[1]).toEqual(
    todo({ title: 'B', tags: ['Two'] }),
  );
});

test('the tasks of one list are read as the API returns them', () => {
  expect(importText('{"kind":"tasks#tasks","items":[{"title":"A"}]}').todos).toEqual([todo({ title: 'A' })]);
});

test('a member of another type is absent', () => {
  expect(importTasks([{ title: 'A', notes: 7, due: null, links: [{ link: 1 }, 'x'], status: [] }]).todos).toEqual([
    todo({ title: 'A' }),
  ]);
});
