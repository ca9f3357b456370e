import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

function importLine(line: string) {
  const { todos, notKept } = importText(line, { format: 'markdown' });
  return { ...todos[0], lost: notKept.map(({ what }) => what) };
}

/** Each todo as `title: description`. */
function outline(...lines: readonly string[]): string[] {
  return importText(lines.join('\n'), { format: 'markdown' }).todos.map(
    ({ title, description }) => `${title}: ${description}`,
  );
}

test('the task lists of a note become todos', () => {
  expect(importText(EXAMPLE_FILES.markdown, { timeZone: 'Europe/Rome' })).toEqual({
    format: 'markdown',
    todos: [
      todo({
        title: 'Sort the boxes',
        description: '- take gloves',
        due_on: '2026-12-05',
        priority: 2,
        tags: ['winter', 'Attic'],
      }),
      todo({
        title: 'Find a lamp',
        description: 'Part of: Sort the boxes',
        completed: true,
        completed_at: '2026-11-20T23:00:00.000Z',
        tags: ['Attic'],
      }),
      todo({ title: 'Sell the piano', completed: true, tags: ['cancelled', 'Attic'] }),
      todo({ title: 'Insulate the roof', description: 'Ask Otto about wool', tags: ['Later'] }),
    ],
    notKept: [{ what: 'recurrence', count: 1 }],
  });
});

test.each([
  '- [ ] A',
  '* [ ] A',
  '+ [ ] A',
  '1. [ ] A',
  '12) [ ] A',
  '\t- [ ] A',
  '>> - [ ] A',
  '-   [ ]   A',
  '        - [ ] A',
])('"%s" is a todo', (line) => {
  expect(importLine(line).title).toBe('A');
});

test.each(['- [] A', '-[ ] A', '- A', '- [ab] A', '[ ] A', '- [a](https://example.org)', '- [1]: note', '\\- [ ] A'])(
  '"%s" is no todo',
  (line) => {
    expect(importLine(line).title).toBeUndefined();
  },
);

test.each([
  ['- [x] A', true, [], []],
  ['- [X] A', true, [], []],
  ['- [-] A', true, ['cancelled'], []],
  ['- [/] A', false, [], ['status']],
  ['- [ ]', undefined, undefined, ['todo without a title']],
])('"%s" is completed: %s', (line, completed, tags, lost) => {
  expect(importLine(line)).toMatchObject({ ...(completed === undefined ? {} : { completed, tags }), lost });
});

test.each([
  ['🔺', 1],
  ['⏫', 2],
  ['🔼', 3],
  ['🔽', 4],
  ['⏬\uFE0F', 4],
  ['[priority:: highest]', 1],
  ['(priority:: high)', 2],
  ['[priority::medium],', 3],
])('the sign %s is the priority %d', (sign, priority) => {
  expect(importLine(`- [ ] A ${sign}`)).toMatchObject({ title: 'A', priority });
});

test('signs and tags at the end are read in any order', () => {
  const line = '- [x] Pay ⏫ #money ✅2026-11-20 #home 🗓️ 2026-12-01 ➕ 2026-11-01 ^block-1';
  expect(importLine(line)).toMatchObject({
    title: 'Pay',
    priority: 2,
    tags: ['money', 'home'],
    due_on: '2026-12-01',
    completed_at: '2026-11-20T00:00:00.000Z',
    created_at: '2026-11-01T00:00:00.000Z',
    lost: [],
  });
  expect(importLine('- [-] Pay [cancelled:: 2026-11-14], (due:: 2026-12-03)')).toMatchObject({
    title: 'Pay',
    completed_at: '2026-11-14T00:00:00.000Z',
    due_on: '2026-12-03',
  });
  expect(importLine('- [ ] Pay ✅ 2026-11-20')).toMatchObject({ title: 'Pay', completed_at: null });
});

test('signs that a todo cannot have are counted', () => {
  expect(importLine('- [ ] Pay 🛫 2026-11-27 ⏳ 2026-11-28 🔁 every 2 weeks 🏁 delete 🆔 a1 ⛔ b2, c3')).toMatchObject({
    title: 'Pay',
    lost: ['dependency', 'on completion', 'recurrence', 'scheduled date', 'start date'],
  });
});

test.each([
  'Buy 📅 2027-06-01 stickers',
  'Tab ⏫ 📅 2027-02-29',
  'Press 🔁 to repeat',
  'F# or x#y or /#z or #42',
  '**Now** [[Garden]] `- [x] sample`',
  'Read [note:: soon]',
])('"%s" is a title as it is written', (title) => {
  expect(importLine(`- [ ] ${title}`)).toMatchObject({ title, priority: 4, due_on: null, tags: [], lost: [] });
});

test('a tag within the sentence stays in the title', () => {
  expect(importLine('- [ ] #now Ask #team/a, then go')).toMatchObject({
    title: 'Ask #team/a, then go',
    tags: ['now', 'team/a'],
  });
  expect(importLine('- [ ] #a #b 📅 2026-12-01')).toMatchObject({
    title: '#a #b',
    tags: ['a', 'b'],
    due_on: '2026-12-01',
  });
});

test('indentation makes subtasks, bullets and text of a todo', () => {
  expect(
    outline(
      '- [ ] A',
      '  first',
      '',
      '  second',
      '  - bullet',
      '    more',
      '    - [ ] B',
      '\t\t- [ ] C',
      '  - [ ] D',
      '- plain',
      '  - [ ] E',
    ),
  ).toEqual(['A: first\n\nsecond\n\n- bullet\nmore', 'B: Part of: A', 'C: Part of: B', 'D: Part of: A', 'E: null']);
});

test('a heading, a quote and an unindented line end the nesting', () => {
  expect(outline('- [ ] A', '# H', '  - [ ] B')).toEqual(['A: null', 'B: null']);
  expect(outline('- [ ] A', '>   - [ ] B', '    - [ ] C')).toEqual(['A: null', 'B: null', 'C: null']);
  expect(outline('- [ ] A', 'text', '  - [ ] B')).toEqual(['A: null', 'B: null']);
  expect(outline('- [ ] A', '', '  - [ ] B')).toEqual(['A: null', 'B: Part of: A']);
});

test('code blocks and front matter hide their lines', () => {
  expect(outline('---', '- [ ] no', '---', '- [ ] A', '```sh', '- [ ] no', '~~~', '```', '- [ ] B')).toEqual([
    'A: null',
    'B: null',
  ]);
  expect(outline('~~~~', '- [ ] no', '~~~', '- [ ] no', '~~~~~', '- [ ] A')).toEqual(['A: null']);
  expect(outline('> ```', '> - [ ] no', '- [ ] A', '```` one ```` line', '- [ ] B')).toEqual(['A: null', 'B: null']);
  expect(outline('---', '- [ ] A')).toEqual(['A: null']);
  expect(outline('```', '- [ ] no')).toEqual([]);
});

test('the nearest heading is a tag', () => {
  const tags = (...lines: readonly string[]) =>
    importText(lines.join('\n'), { format: 'markdown' }).todos.map(({ tags }) => tags);
  expect(tags('# One #', '- [ ] A', '## C#', '- [ ] B', '#no heading', '- [ ] C', '#', '- [ ] D')).toEqual([
    ['One'],
    ['C#'],
    ['C#'],
    [],
  ]);
  expect(tags('Two', '===', '- [ ] A', '', 'Three', '---', '- [ ] B', '', '---', '- [ ] C')).toEqual([
    ['Two'],
    ['Three'],
    ['Three'],
  ]);
  expect(tags('# One', '> # Quoted', '> - [ ] A', '', '- [ ] B', '# Inbox', '- [ ] C')).toEqual([
    ['Quoted'],
    ['One'],
    [],
  ]);
});
