import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

function importDates(...dates: readonly string[]) {
  const { todos } = importText(`Subject,Due Date,Date Completed\n${dates.map((date) => `A,"${date}",`).join('\n')}\n`);
  return todos.map(({ due_on, description }) => due_on ?? description);
}

test('the tasks that Outlook exports become todos', () => {
  expect(importText(EXAMPLE_FILES['outlook-csv'], { timeZone: 'Europe/Madrid' })).toEqual({
    format: 'outlook-csv',
    todos: [
      todo({
        title: 'Order toner',
        description: 'Black\nand cyan',
        due_on: '2026-12-15',
        priority: 1,
        tags: ['Office', 'Stock'],
      }),
      todo({
        title: 'File the report',
        completed: true,
        completed_at: '2026-11-07T23:00:00.000Z',
        due_on: '2026-11-09',
      }),
    ],
    notKept: [
      { what: 'reminder', count: 1 },
      { what: 'start date', count: 1 },
    ],
  });
});

test('the dates of a file show the order of their parts', () => {
  expect(importDates('3/4/2027', '12/18/2026')).toEqual(['2027-03-04', '2026-12-18']);
  expect(importDates('3/4/2027', '18/12/2026')).toEqual(['2027-04-03', '2026-12-18']);
  expect(importDates('3/4/2027')).toEqual(['2027-03-04']);
  expect(importDates('3.4.2027', '4.3.27')).toEqual(['2027-04-03', '2027-03-04']);
  expect(importDates('2027-04-03', '2027/4/3')).toEqual(['2027-04-03', '2027-04-03']);
  expect(importDates('3-4-2027', '31-12-2026')).toEqual(['2027-04-03', '2026-12-31']);
});

test('an impossible date stays as words, and a date that means none is absent', () => {
  expect(importDates('2/29/2027', 'soon')).toEqual(['Due: 2/29/2027', 'Due: soon']);
  expect(importDates('', 'None', '0.0.00', '1/1/4501')).toEqual([null, null, null, null]);
});

test.each([
  ['Completed', '0', true, []],
  ['Not Started', '1', true, []],
  ['Not Started', '100', true, []],
  ['In Progress', '0.5', false, ['status']],
  ['Waiting on someone else', '0', false, ['status']],
  ['Not Started', '0', false, []],
])('a task with status %s and %s complete is completed: %s', (status, percent, completed, lost) => {
  const file = `Subject,Due Date,Date Completed,% Complete,Status\nA,,,${percent},${status}\n`;
  const { todos, notKept } = importText(file);
  expect(todos[0]).toMatchObject({ completed, completed_at: null });
  expect(notKept.map(({ what }) => what)).toEqual(lost);
});

test('column names in another language are rejected', () => {
  expect(() => importText('Betreff,Fällig am\nA,\n', { format: 'outlook-csv' })).toThrow(
    'give the columns in the first row their English names: Subject,',
  );
});
