import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

function importLine(line: string) {
  const { todos, notKept } = importText(line, { format: 'todotxt' });
  return { ...todos[0], lost: notKept.map(({ what }) => what) };
}

test('a todo.txt becomes todos', () => {
  expect(importText(EXAMPLE_FILES.todotxt, { timeZone: 'Europe/Rome' })).toEqual({
    format: 'todotxt',
    todos: [
      todo({
        title: 'Write the speech',
        due_on: '2026-12-18',
        priority: 2,
        tags: ['Wedding', 'desk'],
        created_at: '2026-11-19T23:00:00.000Z',
      }),
      todo({
        title: 'Order rings',
        completed: true,
        completed_at: '2026-11-21T23:00:00.000Z',
        priority: 1,
        tags: ['Wedding'],
        created_at: '2026-11-18T23:00:00.000Z',
      }),
      todo({ title: 'Ask about +Music at the hall', tags: ['Music'] }),
    ],
    notKept: [{ what: 'recurrence', count: 1 }],
  });
});

test.each([
  ['x (A) 2026-11-05 2026-11-01 Pay', 1],
  ['x 2026-11-05 (B) 2026-11-01 Pay', 2],
  ['x  2026-11-05   2026-11-01 Pay pri:C', 3],
  ['x 2026-11-05 2026-11-01 Pay', 4],
])('the completed todo "%s" has the priority %d', (line, priority) => {
  expect(importLine(line)).toMatchObject({
    title: 'Pay',
    completed: true,
    completed_at: '2026-11-05T00:00:00.000Z',
    created_at: '2026-11-01T00:00:00.000Z',
    priority,
  });
});

test.each([
  'X 2026-10-02 Paint',
  'xenon lamp',
  '(c) small letter',
  '(D)ig a hole',
  'Pay pri:B',
  'Call at 9:45 via https://meet.example:444/r?x=1',
  'due:2027-02-30 Pay',
  't:soon h:0 stay',
  'Mail max@example.net 3+4 pictures',
])('"%s" is a title as it is written', (line) => {
  expect(importLine(line)).toMatchObject({
    title: line,
    completed: false,
    priority: 4,
    tags: [],
    due_on: null,
    lost: [],
  });
});

test('a second date of an open todo and a second due date are not lost', () => {
  expect(importLine('2026-11-09 2026-11-08 Two dates')).toMatchObject({
    title: '2026-11-08 Two dates',
    created_at: '2026-11-09T00:00:00.000Z',
  });
  expect(importLine('Pay due:2026-12-01 rent due:2026-12-02')).toMatchObject({
    title: 'Pay rent',
    due_on: '2026-12-01',
    lost: ['further due date'],
  });
});

test('known keys leave the title wherever they stand', () => {
  expect(importLine('h:1 Water t:2026-12-01 the rec:+1w fig @home')).toMatchObject({
    title: 'Water the fig',
    tags: ['home'],
    lost: ['hidden flag', 'recurrence', 'threshold date'],
  });
});

test('a todo of nothing but tags keeps them, and one of nothing but a date has no title', () => {
  expect(importLine('(A) @home +Garden')).toMatchObject({
    title: '@home +Garden',
    tags: ['home', 'Garden'],
    priority: 1,
  });
  expect(importLine('x 2026-11-05')).toMatchObject({ lost: ['todo without a title'] });
});
