import { expect, test } from 'vitest';
import { ValidTodo } from '../testing/import-text.ts';
import { finishTodos } from './finish-todos.ts';
import type { TodoDraft } from './todo-draft.ts';

function finish(draft: Partial<TodoDraft>) {
  const { todos, notKept } = finishTodos([{ title: 'A', ...draft }]);
  for (const todo of todos) ValidTodo.parse(todo);
  return { ...todos[0], notKept };
}

test('a title is one line', () => {
  expect(finish({ title: ' one\r\n\r\ntwo \u2028 three\t' }).title).toBe('one two three');
});

test('a long title is cut, and the description begins with the whole of it', () => {
  const exact = '😀'.repeat(500);
  expect(finish({ title: exact })).toMatchObject({ title: exact, description: null });
  expect(finish({ title: `${exact}!`, text: 'Note' })).toMatchObject({
    title: `${'😀'.repeat(499)}…`,
    description: `${exact}!\n\nNote`,
  });
});

test('a todo without a visible title takes the first visible line of its text', () => {
  expect(finish({ title: '\u200B ', text: '\n\u200B\n  First \nSecond\n' })).toMatchObject({
    title: 'First',
    description: '\u200B\n  First \nSecond',
  });
  expect(finish({ title: '', text: 'x'.repeat(600) })).toMatchObject({
    title: `${'x'.repeat(499)}…`,
    description: 'x'.repeat(600),
  });
  expect(
    finish({ title: '', comments: [{ text: 'a' }], checklist: ['- [ ] b'], notKept: ['reminder'] }).notKept,
  ).toEqual([{ what: 'todo without a title', count: 1 }]);
});

test('the parts of a description have an order and a blank line between them', () => {
  const draft = {
    text: ' Text\r\n  indented ',
    dueWords: 'tomorrow',
    checklist: ['- [ ] a', '- [x] b'],
    comments: [{ text: 'One' }, { day: '2026-11-03', text: 'Two\nlines' }, { text: ' ' }],
    location: 'Hall\n3',
    links: ['https://a.example', ''],
  };
  const parts = [
    'Text\n  indented',
    'Due: tomorrow',
    '- [ ] a\n- [x] b',
    'Comment: One\nComment (2026-11-03): Two\nlines',
  ];
  expect(finish(draft).description).toBe([...parts, 'Location: Hall\n3', 'Link: https://a.example'].join('\n\n'));
});

test('a long description is cut and counted', () => {
  expect(finish({ text: '😀'.repeat(10_001) })).toMatchObject({
    description: '😀'.repeat(10_000),
    notKept: [{ what: 'description over 10,000 characters', count: 1 }],
  });
});

test('tags are different, short and few', () => {
  const labels = [' One', 'one', 'One', '', ' ', 'a\nb', '😀'.repeat(60)];
  expect(finish({ labels, lists: ['Inbox', 'MY TASKS', 'one', 'Home'] }).tags).toEqual([
    'One',
    'one',
    'a b',
    '😀'.repeat(50),
    'Home',
  ]);
  const many = Array.from({ length: 21 }, (_, index) => `tag ${index}`);
  expect(finish({ labels: many, cancelled: true })).toMatchObject({
    tags: ['cancelled', ...many.slice(0, 19)],
    notKept: [{ what: 'tags over 20', count: 1 }],
  });
});

test('characters that PostgreSQL cannot store are removed or replaced', () => {
  expect(finish({ title: 'a\0b\uD800', text: '\0c\uDFFF', labels: ['\0d'] })).toMatchObject({
    title: 'ab\uFFFD',
    description: 'c\uFFFD',
    tags: ['d'],
  });
});

test('a parent names itself, even if it is not imported', () => {
  const drafts = [
    { id: 'c', parentId: 'p', title: 'Child' },
    { id: 'p', title: '', text: 'Parent\nmore', dropped: 'deleted todo' },
    { id: 's', parentId: 's', title: 'Self' },
    { id: 'o', parentId: 'x', title: 'Orphan' },
  ];
  expect(finishTodos(drafts).todos.map(({ description }) => description)).toEqual(['Part of: Parent', null, null]);
});

test('what is not kept counts once for each todo, and the list is sorted', () => {
  const drafts = [
    { title: 'A', notKept: ['reminder', 'UDA x', 'reminder'] },
    { title: 'B', notKept: ['reminder'] },
  ];
  expect(finishTodos(drafts).notKept).toEqual([
    { what: 'UDA x', count: 1 },
    { what: 'reminder', count: 2 },
  ]);
});
