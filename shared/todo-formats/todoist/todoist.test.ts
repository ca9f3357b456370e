import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

const HEADER =
  'TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,DEADLINE,DEADLINE_LANG';

/** The only todo of a file with one task that is due at `date`. */
function importDue(date: string, { language = 'en', zone = 'Europe/Berlin', deadline = '' } = {}) {
  const { todos, notKept } = importText(`${HEADER}\ntask,Todo,,4,1,,,"${date}",${language},${zone},${deadline},en\n`);
  return {
    due: todos[0]?.due_on ?? todos[0]?.due_at,
    description: todos[0]?.description,
    lost: notKept.map(({ what }) => what),
  };
}

test('a CSV export of Todoist becomes todos', () => {
  expect(importText(EXAMPLE_FILES.todoist)).toEqual({
    format: 'todoist',
    todos: [
      todo({
        title: 'Paint the fence',
        description: 'Two coats,\ngreen',
        due_on: '2027-05-03',
        priority: 1,
        tags: ['outside'],
      }),
      todo({
        title: 'Buy paint',
        description: 'Comment (2027-04-11): The blue shop is cheaper\n\nPart of: Paint the fence',
        due_at: '2027-05-01T07:15:00.000Z',
        priority: 3,
      }),
      todo({ title: 'Clean the gutter', description: 'Due: every october', tags: ['Roof'] }),
    ],
    notKept: [
      { what: 'assignee', count: 1 },
      { what: 'deadline', count: 1 },
      { what: 'duration', count: 1 },
      { what: 'recurrence', count: 1 },
    ],
  });
});

test('a file that Excel has saved with semicolons and in windows-1252 is the same', () => {
  const file = 'TYPE;CONTENT;PRIORITY;INDENT\r\ntask;"M\xfcsli; 2 kg @k\xfcche";2;1\r\n;;;\r\n';
  expect(importText(Buffer.from(file, 'latin1')).todos).toEqual([
    todo({ title: 'Müsli; 2 kg', priority: 2, tags: ['küche'] }),
  ]);
});

test('a subtask belongs to the nearest task above with a smaller indent in its section', () => {
  const rows = ['task,A,1', 'task,B,3', 'task,C,2', 'task,D,3', 'section,S,', 'task,E,4', 'task,F,5', 'task,G'];
  const { todos } = importText(`TYPE,CONTENT,INDENT\n${rows.join('\n')}\n`);
  expect(todos.map(({ title, description }) => `${title} ${description}`)).toEqual([
    'A null',
    'B Part of: A',
    'C Part of: A',
    'D Part of: C',
    'E null',
    'F Part of: E',
    'G null',
  ]);
});

test('labels at the start and the end leave the title, and other at signs stay', () => {
  const titles = [
    '@home @now Call Eve @phone',
    'Ask @Ben, then pay',
    'Mail a@b.example',
    '@errand',
    '* @work Tidy',
    '@ 5 pm',
  ];
  const { todos } = importText(`TYPE,CONTENT\n${titles.map((title) => `task,"${title}"`).join('\n')}\n`);
  expect(todos.map(({ title, tags }) => [title, ...tags])).toEqual([
    ['Call Eve', 'home', 'now', 'phone'],
    ['Ask @Ben, then pay', 'Ben'],
    ['Mail a@b.example'],
    ['@errand', 'errand'],
    ['Tidy', 'work'],
    ['@ 5 pm'],
  ]);
});

test.each([
  ['2027-01-31', 'en', '2027-01-31'],
  ['2027-01-31 at 11:00', 'en', '2027-01-31T10:00:00.000Z'],
  ['2027-01-31 11:00', 'en', '2027-01-31T10:00:00.000Z'],
  ['5 Mar 2027 17:15', 'en', '2027-03-05T16:15:00.000Z'],
  ['Oct 12 2026', 'en', '2026-10-12'],
  ['March 3rd, 2027 5pm', 'en', '2027-03-03T16:00:00.000Z'],
  ['15 Apr.', 'de', '2026-04-15'],
  ['1. Mai 2026', 'de', '2026-05-01'],
  ['30 März', 'de', '2026-03-30'],
  ['24.12.2026', 'de', '2026-12-24'],
  ['3. Juni um 9:30', 'de', '2026-06-03T07:30:00.000Z'],
  ['12 avril 2027', 'fr', '2027-04-12'],
  ['5 de marzo de 2027', 'es', '2027-03-05'],
  ['1 set 2027', 'pt_BR', '2027-09-01'],
  ['7 maja', 'pl', '2026-05-07'],
  ['9 мая 2027', 'ru', '2027-05-09'],
  ['2 mrt', 'nl', '2026-03-02'],
  ['domenica', 'it', undefined],
  ['2027年3月5日', 'ja', '2027-03-05'],
  ['3월 5일', 'ko', '2026-03-05'],
  ['12 Dezember', '', '2026-12-12'],
])('the due date "%s" in %s is %s', (date, language, due) => {
  expect(importDue(date, { language }).due ?? undefined).toBe(due);
});

test.each([
  ['every! friday', 'en'],
  ['jeden Montag um 7:00', 'de'],
  ['alle 3 Tage', 'de'],
  ['tous les jours', 'fr'],
  ['cada lunes', 'es'],
  ['elke dag', 'nl'],
  ['ogni 2 settimane', 'it'],
  ['co tydzień', 'pl'],
  ['毎週', 'ja'],
])('the repeating due date "%s" in %s stays as words', (date, language) => {
  expect(importDue(date, { language })).toEqual({ due: null, description: `Due: ${date}`, lost: ['recurrence'] });
});

test.each(['tomorrow', 'in 5 days', '2027-02-29', '29 Feb 2027', '5 Mar 6 Apr', '25:00'])(
  'the due date "%s" stays as words',
  (date) => {
    expect(importDue(date)).toEqual({ due: null, description: `Due: ${date}`, lost: ['date in words'] });
  },
);

test('a deadline is the due date of a task without another one', () => {
  expect(importDue('', { deadline: '2027-03-05' })).toEqual({ due: '2027-03-05', description: null, lost: [] });
  expect(importDue('every day', { deadline: '2027-03-05' })).toMatchObject({
    due: '2027-03-05',
    description: 'Due: every day',
  });
  expect(importDue('2027-03-01', { deadline: '2027-03-05' })).toMatchObject({ due: '2027-03-01', lost: ['deadline'] });
});

test('a skipped hour moves forward, and a repeated hour is the first one', () => {
  expect(importDue('2027-03-28 02:30').due).toBe('2027-03-28T01:30:00.000Z');
  expect(importDue('2026-10-25 02:30').due).toBe('2026-10-25T00:30:00.000Z');
});

test('a task without a time zone uses the one of the import', () => {
  const file = 'TYPE,CONTENT,DATE,TIMEZONE\ntask,A,2027-01-31 09:00,\nnote,Late,2027-01-31T23:30:00Z,\n';
  const [first] = importText(file, { timeZone: 'Asia/Tokyo' }).todos;
  expect(first).toMatchObject({ due_at: '2027-01-31T00:00:00.000Z', description: 'Comment (2027-02-01): Late' });
});

test('an unknown time zone is counted when a time needs it', () => {
  const file = 'TYPE,CONTENT,DATE,TIMEZONE\ntask,A,2027-01-31 09:00,Mars/Base\ntask,B,2027-01-31,Mars/Base\n';
  expect(importText(file).notKept).toEqual([{ what: 'unknown time zone', count: 1 }]);
});

test('a file of a comment is counted and its text stays', () => {
  const file = `TYPE,CONTENT,DATE\ntask,Read,\nnote,"Page 3 [[file {""file_name"":""a.pdf""}]] is missing",\nnote,"[[file {""a"":1}]]",\n`;
  const { todos, notKept } = importText(file);
  expect(todos[0]?.description).toBe('Comment: Page 3 is missing');
  expect(notKept).toEqual([{ what: 'attachment', count: 1 }]);
});

test('a comment of a project and a row of an unknown type are counted', () => {
  expect(importText('TYPE,CONTENT\nnote,About the project\ntask,A\ngoal,Win\n').notKept).toEqual([
    { what: 'note', count: 1 },
    { what: 'row of an unknown type', count: 1 },
  ]);
});

test('a quotation mark without an end is rejected with its line', () => {
  expect(() => importText('TYPE,CONTENT\ntask,A\ntask,"B\ntask,C\n')).toThrow(/^Line 3: a quotation mark/);
  expect(importText('TYPE,CONTENT\ntask,Nails 2" long\n').todos[0]?.title).toBe('Nails 2" long');
});
