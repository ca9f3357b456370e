import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

const TASK = { importance: 'normal', status: 'notStarted', title: 'A' };

function importTask(task: object, options: { timeZone?: string } = {}) {
  return importText(JSON.stringify({ value: [{ ...TASK, ...task }] }), options);
}

test('a page of tasks from Microsoft Graph becomes todos', () => {
  expect(importText(EXAMPLE_FILES['microsoft-todo'])).toEqual({
    format: 'microsoft-todo',
    todos: [
      todo({
        title: 'Renew the lease',
        description: 'Ask for two years\n- price\n\n- [x] Call',
        due_on: '2026-12-15',
        priority: 1,
        tags: ['Flat'],
        created_at: '2026-11-02T08:09:10.765Z',
      }),
      todo({
        title: 'Old bill',
        completed: true,
        completed_at: '2026-11-03T08:00:00.000Z',
        created_at: '2026-11-01T00:00:00.000Z',
      }),
    ],
    notKept: [
      { what: 'further pages of the export', count: 1 },
      { what: 'reminder', count: 1 },
      { what: 'status', count: 1 },
    ],
  });
});

test.each([
  ['2027-01-14T00:00:00.0000000', 'UTC', 'UTC', '2027-01-14'],
  ['2027-01-14T05:00:00.0000000', 'UTC', 'UTC', '2027-01-14'],
  ['2027-01-14T10:59:00.0000000', 'UTC', 'UTC', '2027-01-14'],
  ['2027-01-14T11:00:00.0000000', 'UTC', 'UTC', '2027-01-15'],
  ['2027-01-14T23:00:00.0000000', 'UTC', 'UTC', '2027-01-15'],
  ['2027-01-14T00:00:00.0000000', 'UTC', 'America/Chicago', '2027-01-14'],
  ['2027-01-14T06:00:00.0000000', 'UTC', 'America/Chicago', '2027-01-14'],
  ['2027-01-14T11:00:00.0000000', 'UTC', 'Pacific/Kiritimati', '2027-01-15'],
  ['2027-03-29T00:00:00.0000000', 'W. Europe Standard Time', 'UTC', '2027-03-29'],
  ['2027-03-29T00:00:00Z', 'America/Denver', 'Asia/Tokyo', '2027-03-29'],
  ['2027-03-29T00:00:00', 'Moon Standard Time', 'Asia/Tokyo', '2027-03-29'],
])('the due date %s in %s is, for a user in %s, the day %s', (dateTime, timeZone, importZone, day) => {
  expect(importTask({ dueDateTime: { dateTime, timeZone } }, { timeZone: importZone }).todos[0]?.due_on).toBe(day);
});

test('a start on the due day is not counted', () => {
  const dueDateTime = { dateTime: '2027-01-14T00:00:00', timeZone: 'UTC' };
  const later = { dateTime: '2027-01-12T00:00:00', timeZone: 'UTC' };
  expect(importTask({ dueDateTime, startDateTime: dueDateTime }).notKept).toEqual([]);
  expect(importTask({ dueDateTime, startDateTime: later }).notKept).toEqual([{ what: 'start date', count: 1 }]);
});

test('what a todo cannot have is counted', () => {
  const task = { status: 'deferred', hasAttachments: true, recurrence: { pattern: {} }, isReminderOn: true };
  expect(importTask({ ...task, dueDateTime: { dateTime: 'soon', timeZone: 'UTC' } })).toEqual({
    format: 'microsoft-todo',
    todos: [todo({ title: 'A', description: 'Due: soon' })],
    notKept: ['attachment', 'date in words', 'recurrence', 'reminder', 'status'].map((what) => ({ what, count: 1 })),
  });
});

test('lists with their tasks are read, and the default list gives no tag', () => {
  const lists = [
    { displayName: 'Aufgaben', wellKnownListName: 'defaultList', tasks: [TASK] },
    {
      displayName: 'Garten',
      wellknownListName: 'none',
      tasks: [{ ...TASK, title: 'B', categories: ['Blau', 'Garten'] }],
    },
    { displayName: 'Leer', tasks: null },
  ];
  expect(importText(JSON.stringify(lists))).toEqual({
    format: 'microsoft-todo',
    todos: [todo({ title: 'A' }), todo({ title: 'B', tags: ['Blau', 'Garten'] })],
    notKept: [],
  });
});

test('a link and an empty body are read', () => {
  const links = { body: null, linkedResources: [{ webUrl: 'https://a.example/1' }, { webUrl: 'https://b.example/' }] };
  expect(importTask(links).todos[0]?.description).toBe('Link: https://a.example/1\nLink: https://b.example/');
});

test.each([
  [
    '<html><head><style>p{}</style></head><body>\r\n<p>Salt &amp; oil</p>\r\n<p>2&nbsp;kg<br>flour</p></body></html>',
    'Salt & oil\n2 kg\nflour',
  ],
  ['<div>a</div><div><br></div><div>b</div>', 'a\n\nb'],
  ['<ul>\n<li>one</li>\n<li>two <i>of</i> it</li>\n</ul>after', '- one\n- two of it\nafter'],
  ['1 &lt; 2 &auml; &#8364; &#x1F600; &nix; &', '1 < 2 ä € 😀 &nix; &'],
  ['a < b <!-- hidden > --> c', 'a < b c'],
  ['<script>1', null],
])('the HTML %j is shown as %j', (content, description) => {
  expect(importTask({ body: { content, contentType: 'html' } }).todos[0]?.description).toBe(description);
});
