import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

/** A file with these columns, and one row for each of the others. */
function csv(columns: readonly string[], ...rows: readonly (readonly string[])[]): string {
  return [columns, ...rows].map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\n');
}

test('a backup of TickTick becomes todos', () => {
  const created_at = '2026-11-01T10:00:00.000Z';
  expect(importText(EXAMPLE_FILES.ticktick)).toEqual({
    format: 'ticktick',
    todos: [
      todo({
        title: 'Book the ferry',
        description: 'Cabin with a window',
        due_on: '2027-06-14',
        priority: 1,
        tags: ['sea', 'summer', 'Trips', 'Family', 'Soon'],
        created_at,
      }),
      todo({
        title: 'Pack',
        description: '- [ ] Tent\n- [x] Lamp\n\nPart of: Book the ferry',
        due_at: '2027-06-12T09:00:00.000Z',
        tags: ['Trips', 'Family'],
        created_at,
      }),
      todo({
        title: 'Ask for leave',
        completed: true,
        completed_at: '2026-11-09T07:30:00.000Z',
        priority: 2,
        created_at,
      }),
    ],
    notKept: [
      { what: 'recurrence', count: 1 },
      { what: 'reminder', count: 1 },
      { what: 'start date', count: 1 },
    ],
  });
});

test.each([
  ['2026-11-30T23:00:00+0000', 'Europe/Berlin', '2026-12-01'],
  ['2026-12-01T08:00:00+0000', 'America/Los_Angeles', '2026-12-01'],
  ['2027-03-27T11:00:00+0000', 'Pacific/Auckland', '2027-03-28'],
  ['2027-03-28 00:00:00', 'Pacific/Auckland', '2027-03-28'],
  ['2026-12-01', 'Asia/Tokyo', '2026-12-01'],
])('the whole day %s in %s is %s', (date, zone, day) => {
  const columns = ['List Name', 'Title', 'Status', 'Due Date', 'Is All Day', 'Timezone'];
  expect(importText(csv(columns, ['L', 'A', '0', date, 'true', zone])).todos[0]).toMatchObject({
    due_on: day,
    due_at: null,
  });
});

test('a time without an offset is in the zone of its row, else in the one of the import', () => {
  const columns = ['List Name', 'Title', 'Status', 'Due Date', 'Timezone'];
  const rows = ['America/New_York', 'nowhere', ''].map((zone) => ['L', 'A', '0', '2027-02-27 14:30:00', zone]);
  expect(importText(csv(columns, ...rows), { timeZone: 'Asia/Kolkata' }).todos.map(({ due_at }) => due_at)).toEqual([
    '2027-02-27T19:30:00.000Z',
    '2027-02-27T09:00:00.000Z',
    '2027-02-27T09:00:00.000Z',
  ]);
});

test('a start without a due date is the due date', () => {
  const columns = ['List Name', 'Title', 'Status', 'Start Date', 'Due Date', 'Is All Day'];
  const { todos, notKept } = importText(csv(columns, ['L', 'A', '0', '2027-02-27T09:00:00+0000', '', 'false']));
  expect(todos[0]?.due_at).toBe('2027-02-27T09:00:00.000Z');
  expect(notKept).toEqual([]);
});

test('an unknown time zone is counted when the due date needs it', () => {
  const columns = ['List Name', 'Title', 'Status', 'Start Date', 'Due Date', 'Is All Day', 'Timezone'];
  const count = (...cells: readonly string[]) => importText(csv(columns, ['L', 'A', '0', ...cells])).notKept;
  const unknown = [{ what: 'unknown time zone', count: 1 }];
  expect(count('', '2026-11-30T23:00:00+0000', 'true', 'Mars/X')).toEqual(unknown);
  expect(count('2026-11-30T23:00:00+0000', '', 'true', 'Mars/X')).toEqual(unknown);
  expect(count('', '2026-11-30 23:00:00', 'false', 'Mars/X')).toEqual(unknown);
  expect(count('', '2026-11-30T23:00:00+0000', 'false', 'Mars/X')).toEqual([]);
  expect(count('', '2026-11-30', 'true', 'Mars/X')).toEqual([]);
  expect(count('', '2026-11-30T23:00:00+0000', 'true', '')).toEqual([]);
  expect(count('', '', 'true', 'Mars/X')).toEqual([]);
});

test('a due date that is none stays as words', () => {
  const { todos, notKept } = importText(
    csv(['List Name', 'Title', 'Status', 'Due Date'], ['L', 'A', '0', '2027-02-29 09:00:00']),
  );
  expect(todos[0]).toMatchObject({ due_on: null, due_at: null, description: 'Due: 2027-02-29 09:00:00' });
  expect(notKept).toEqual([{ what: 'date in words', count: 1 }]);
});

test('the status and the priority are read, and other values are the default', () => {
  const columns = ['List Name', 'Title', 'Status', 'Priority', 'Completed Time'];
  const rows = [
    ['-1', '5'],
    ['1', '3'],
    ['2', '1'],
    ['0', '0'],
    ['done', 'p1'],
  ].map(([status = '', priority = '']) => ['L', 'A', status, priority, '2026-11-02T10:00:00+0000']);
  const { todos } = importText(csv(columns, ...rows));
  expect(
    todos.map(({ completed, completed_at, priority, tags }) => [completed, completed_at, priority, ...tags]),
  ).toEqual([
    [true, '2026-11-02T10:00:00.000Z', 1, 'cancelled', 'L'],
    [true, '2026-11-02T10:00:00.000Z', 2, 'L'],
    [true, '2026-11-02T10:00:00.000Z', 3, 'L'],
    [false, null, 4, 'L'],
    [false, null, 4, 'L'],
  ]);
});

test('notes are counted, in old and new versions of the file', () => {
  const notes = csv(['List Name', 'Title', 'Status', 'Kind'], ['L', 'A', '0', 'NOTE'], ['L', 'B', '0', 'TEXT']);
  expect(importText(notes)).toMatchObject({ todos: [{ title: 'B' }], notKept: [{ what: 'note', count: 1 }] });
  expect(importText(notes.replace('Kind', 'projectKind'))).toMatchObject({ todos: [{ title: 'B' }] });
});

test('a checklist of a file without kinds is read, with the text before it', () => {
  const columns = ['List Name', 'Title', 'Status', 'Content', 'Is Check list'];
  const { todos } = importText(
    csv(columns, ['L', 'A', '0', 'For four\n▫Rice▪Salt\n▫ ', 'Y'], ['L', 'B', '0', '▫no list', 'N']),
  );
  expect(todos.map(({ description }) => description)).toEqual(['For four\n\n- [ ] Rice\n- [x] Salt', '▫no list']);
});

test('the parent may come after its subtask, and an unknown one says nothing', () => {
  const columns = ['List Name', 'Title', 'Status', 'taskId', 'parentId'];
  const { todos } = importText(
    csv(columns, ['L', 'A', '0', '1', '3'], ['L', 'B', '0', '2', '9'], ['L', 'C\nD', '0', '3', '3']),
  );
  expect(todos.map(({ description }) => description)).toEqual(['Part of: C D', null, null]);
});
