import { expect, test } from 'vitest';
import { exportedTodo } from '../testing/exported-todo.ts';
import { writeMarkdown } from './write-markdown.ts';

function write(fields: Parameters<typeof exportedTodo>[0], zone = 'UTC') {
  return writeMarkdown(exportedTodo(fields), zone);
}

test('a todo is an item with the signs of Obsidian Tasks and its description below', () => {
  const fields = { priority: 2, tags: ['home'], due_on: '2026-12-18', description: 'Two coats\n\ngreen' };
  expect(write(fields)).toEqual({
    text: '- [ ] Paint the fence #home ⏫ ➕ 2026-11-01 📅 2026-12-18\n  Two coats\n\n  green\n',
    notKept: [],
  });
});

test('a completed todo has its day of completion', () => {
  const completed = { completed: true, completed_at: '2026-11-09T00:00:00.000Z' };
  expect(write(completed)).toEqual({ text: '- [x] Paint the fence ➕ 2026-11-01 ✅ 2026-11-09\n', notKept: [] });
});

test.each([
  ['a tag that is no word of Obsidian', { tags: ['two words', '2027', 'one'] }, 'tag'],
  ['a time of the due date', { due_at: '2026-12-05T00:00:00.000Z' }, 'time of the due date'],
  ['a time of creation', { created_at: '2026-11-01T10:00:00.000Z' }, 'time of creation'],
  ['white space around the description', { description: '\ngreen ' }, 'white space of the description'],
])('%s is named, because the format cannot hold it', (_name, fields, what) => {
  expect(write(fields).notKept).toEqual([what]);
});

test('a title that ends in a sign or has a tag stays text', () => {
  expect(write({ title: 'Ask #home 📅 2027-01-31' }).text).toBe(
    '- [ ] Ask \u2060#home 📅 2027-01-31 \u2060 ➕ 2026-11-01\n',
  );
});

test('a line of the description that would be an item, a quote or code stays text', () => {
  const description = '- [ ] b\n1. c\n> d\n```\n  e\nf ';
  expect(
    write({ description: `${description}.` })
      .text.split('\n')
      .slice(1),
  ).toEqual(['  \u2060- [ ] b', '  \u20601. c', '  \u2060> d', '  \u2060```', '  \u2060  e', '  f .', '']);
});
