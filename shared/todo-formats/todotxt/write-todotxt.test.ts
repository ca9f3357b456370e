import { expect, test } from 'vitest';
import { exportedTodo } from '../testing/exported-todo.ts';
import { writeTodotxt } from './write-todotxt.ts';

function write(fields: Parameters<typeof exportedTodo>[0], zone = 'UTC') {
  return writeTodotxt(exportedTodo(fields), zone);
}

test('a todo is a line with its letter, its day of creation, its tags and its due day', () => {
  const open = { priority: 2, tags: ['home', 'garden/front'], due_on: '2026-12-18' };
  expect(write(open)).toEqual({
    text: '(B) 2026-11-01 Paint the fence +home +garden/front due:2026-12-18\n',
    notKept: [],
  });
});

test('a completed todo keeps its letter behind the title', () => {
  const completed = { completed: true, completed_at: '2026-11-09T00:00:00.000Z', priority: 1 };
  expect(write(completed)).toEqual({ text: 'x 2026-11-09 2026-11-01 Paint the fence pri:A\n', notKept: [] });
});

test('a day is that of the zone', () => {
  const times = { created_at: '2026-11-01T23:00:00.000Z', due_at: '2026-12-05T23:30:00.000Z' };
  expect(write(times, 'Europe/Berlin')).toEqual({
    text: '2026-11-02 Paint the fence due:2026-12-06\n',
    notKept: ['time of the due date'],
  });
});

test.each([
  ['a description', { description: 'Two coats' }, 'description'],
  ['a tag with a space', { tags: ['two words', 'one'] }, 'tag'],
  ['a time of the due date', { due_at: '2026-12-05T00:00:00.000Z' }, 'time of the due date'],
  ['a time of creation', { created_at: '2026-11-01T00:00:00.001Z' }, 'time of creation'],
  ['a time of completion', { completed: true, completed_at: '2026-11-01T10:00:00.000Z' }, 'time of completion'],
  ['a line break in the title', { title: 'Paint\nthe fence' }, 'white space of the title'],
  ['an invisible title', { title: '\u200B' }, 'title without a visible character'],
])('%s is named, because the format cannot hold it', (_name, fields, what) => {
  expect(write(fields).notKept).toEqual([what]);
});

test.each(['x', '(A)', '2027-01-31', '+home', 'due:2027-01-31'])('a title that begins with %s stays text', (word) => {
  expect(write({ title: `${word} b` }).text).toBe(`2026-11-01 \u2060${word} b\n`);
});

test('a description of nothing but white space is named', () => {
  expect(write({ description: ' \n' }).notKept).toEqual(['white space of the description']);
});

test.each(['- [ ] b', '* [x] b', '+ [ ] b', '1. [ ] b', '2) [ ] b', '>- [ ] b'])(
  'the title "%s" without a day before it is no item of a task list',
  (title) => {
    expect(write({ title, created_at: '0001-01-01T00:00:00.000Z' }, 'America/Los_Angeles').text).toBe(
      `\u2060${title}\n`,
    );
  },
);

test('a time outside of the years that a day can have is named', () => {
  const first = { created_at: '0001-01-01T00:00:00.000Z' };
  expect(write(first, 'America/Los_Angeles')).toEqual({ text: 'Paint the fence\n', notKept: ['time of creation'] });
});
