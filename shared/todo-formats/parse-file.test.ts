import fc from 'fast-check';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { UnknownFormatError, UnreadableFileError } from './file-errors.ts';
import { FORMAT_NAMES, type FormatName } from './import-formats.ts';
import { EXAMPLE_FILES } from './testing/example-files.ts';
import { importText, ValidTodo } from './testing/import-text.ts';

const ZONES = ['UTC', 'America/Los_Angeles', 'Pacific/Kiritimati'] as const;
const formats = fc.constantFrom(...FORMAT_NAMES);
const text = fc.string({ unit: 'binary', maxLength: 60 });

test.each(FORMAT_NAMES)('the format %s is recognized by its content', (format) => {
  expect(importText(EXAMPLE_FILES[format]).format).toBe(format);
});

test.each(FORMAT_NAMES)('a %s file in UTF-8 with a byte order mark or in UTF-16 gives the same todos', (format) => {
  const plain = importText(EXAMPLE_FILES[format]);
  const marked = Buffer.from(`\uFEFF${EXAMPLE_FILES[format]}`, 'utf16le');
  expect(importText(`\uFEFF${EXAMPLE_FILES[format]}`)).toEqual(plain);
  expect(importText(marked)).toEqual(plain);
  expect(importText(marked.swap16())).toEqual(plain);
});

test.each(FORMAT_NAMES)('a %s file in UTF-16 without a byte order mark gives the same todos', (format) => {
  const bytes = Buffer.from(EXAMPLE_FILES[format], 'utf16le');
  expect(importText(bytes)).toEqual(importText(EXAMPLE_FILES[format]));
  expect(importText(bytes.swap16())).toEqual(importText(EXAMPLE_FILES[format]));
});

test('a file without content is named as empty', () => {
  for (const file of ['', ' \r\n', '\uFEFF'])
    expect(() => importText(file)).toThrow(new UnreadableFileError('The file is empty. Export it again'));
});

test('CSV with unknown column names gets a hint at the language of Outlook', () => {
  const german = '"Betreff","Beginnt am","Fällig am","Erledigt am"\r\n"Toner","","15.12.2026",""\r\n';
  for (const file of [german, german.replaceAll(',', ';')])
    expect(() => importText(file)).toThrow('give the columns in the first row their English names: Subject, Due Date,');
  expect(() => importText('Dear diary, one, two, three\nnothing')).not.toThrow('English');
});

test('a file that is no text is named as such, and not as CSV', () => {
  const binary = 'a,b,c,d\n\0,b,c,d\n';
  expect(() => importText(binary)).toThrow(
    new UnreadableFileError('The file is neither text nor a zip archive. Export it again'),
  );
  expect(() => importText(zipSync({}))).toThrow('The zip archive has no CSV of Todoist or TickTick');
});

test('text that is no UTF-8 is read as windows-1252', () => {
  const file = Buffer.from('- [ ] Caf\xe9 \x80 5 \x96 menu', 'latin1');
  expect(importText(file).todos[0]?.title).toBe('Café € 5 – menu');
});

test.each([
  ['markdown', '- [ ] Plants\n- [ ] Grüße\n', 2],
  ['icalendar', 'BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:Pla\n nts\nDESCRIPTION:Grüße\nEND:VTODO\nEND:VCALENDAR\n', 5],
])('a damaged character of UTF-8 is named with its line in %s', (format, file, line) => {
  const bytes = Buffer.from(file);
  const end = bytes.indexOf('ß') + 1;
  const damaged = Buffer.concat([bytes.subarray(0, end), bytes.subarray(end + 1)]);
  expect(importText(bytes)).toMatchObject({ format });
  expect(() => importText(damaged)).toThrow(`Line ${line}: a character is not valid UTF-8`);
});

test('a file of an unknown format is rejected with the formats that can be given', () => {
  expect(() => importText('Dear diary,\nnothing happened.')).toThrow(UnknownFormatError);
  expect(() => importText('Dear diary')).toThrow('name it: todoist, ticktick, google-tasks,');
  expect(() => importText('{"kind":"something"}')).toThrow(UnknownFormatError);
});

test.each([
  '<html><body>Sign in +x due:2027-01-01</body></html>',
  '\n <!DOCTYPE html>\n<p>- [ ] a</p>\n- [ ] b\n',
  '<?xml version="1.0"?><a>+x</a>',
])('the web page %j is no list', (page) => {
  expect(() => importText(page)).toThrow(UnknownFormatError);
});

test('a Markdown file may begin with a tag', () => {
  expect(importText('<details>\n\n- [ ] a\n').todos).toMatchObject([{ title: 'a' }]);
});

test('a given format is used without recognition', () => {
  expect(importText('Feed the cat\nWater the fig', { format: 'todotxt' }).todos).toHaveLength(2);
  expect(importText('', { format: 'todotxt' })).toEqual({ format: 'todotxt', todos: [], notKept: [] });
  expect(() => importText('Feed the cat', { format: 'icalendar' })).toThrow('no BEGIN:VCALENDAR');
});

test('a file of more than 10 MB is rejected', () => {
  expect(() => importText(new Uint8Array(10_000_001))).toThrow('more than 10000000 bytes. Split it');
});

test('a backup of Todoist in a zip archive names the project of each file', () => {
  const header = 'TYPE,CONTENT,PRIORITY,INDENT\r\n';
  const archive = zipSync({
    'Inbox [1a].csv': Buffer.from(`${header}task,Post the letter,1,1\r\n`),
    'Bücher [alt] [2b].csv': Buffer.from(
      `\uFEFF${header}section,Regal,,\r\ntask,Sortieren,4,1\r\ntask,Abstauben,4,2\r\n`,
    ),
    'Empty [3c].csv': Buffer.from(header),
    '__MACOSX/._Inbox [1a].csv': Buffer.from('nothing'),
    'photo.jpg': Buffer.from('nothing'),
  });
  const { format, todos } = importText(archive);
  expect(format).toBe('todoist');
  expect(todos.map(({ title, description, tags }) => ({ title, description, tags }))).toEqual([
    { title: 'Post the letter', description: null, tags: [] },
    { title: 'Sortieren', description: null, tags: ['Bücher [alt]', 'Regal'] },
    { title: 'Abstauben', description: 'Part of: Sortieren', tags: ['Bücher [alt]', 'Regal'] },
  ]);
});

test.each([
  ['google-tasks', 'Takeout/Tasks/Tasks.json'],
  ['ticktick', 'TickTick-backup.csv'],
] as const)('a zip archive may contain the file of %s', (format, name) => {
  const archive = zipSync({
    'Takeout/archive_browser.html': Buffer.from('<p>'),
    [name]: Buffer.from(EXAMPLE_FILES[format]),
  });
  expect(importText(archive)).toEqual(importText(EXAMPLE_FILES[format]));
  expect(importText(archive, { format })).toEqual(importText(EXAMPLE_FILES[format]));
  expect(() => importText(archive, { format: 'todoist' })).toThrow(`has files of the format ${format}, not todoist`);
});

test('a zip archive of Takeout may name the file in the language of the account', () => {
  const archive = zipSync({
    'Takeout/Keep/Labels.json': Buffer.from('{}'),
    'Takeout/Aufgaben/Aufgaben.json': Buffer.from(EXAMPLE_FILES['google-tasks']),
  });
  expect(importText(archive)).toEqual(importText(EXAMPLE_FILES['google-tasks']));
});

test('every file of a zip archive is read, or named', () => {
  const csv = (title: string) => Buffer.from(`TYPE,CONTENT\ntask,${title}\n`);
  const google = (title: string) => Buffer.from(JSON.stringify({ kind: 'tasks#tasks', items: [{ title }] }));
  const ticktick = (title: string) => Buffer.from(`List Name,Title,Status\nL,${title},0\n`);
  for (const archive of [
    zipSync({ 'Takeout/Tasks/Tasks.json': google('A'), 'Other/Tasks/Tasks.json': google('B') }),
    zipSync({ 'one.csv': ticktick('A'), 'two.csv': ticktick('B') }),
  ]) {
    expect(importText(archive).todos.map(({ title }) => title)).toEqual(['A', 'B']);
  }
  const { todos, notKept } = importText(
    zipSync({ 'A.csv': csv('A'), 'empty.csv': Buffer.from(' '), 'cars.csv': Buffer.from('Name,Age\nKim,7\n') }),
  );
  expect(todos).toMatchObject([{ title: 'A' }]);
  expect(notKept).toEqual([{ what: 'file of another format', count: 1 }]);
  expect(() => importText(zipSync({ 'A.csv': csv('A'), 'Tasks.json': google('B') }))).toThrow(
    'The zip archive has files of the formats todoist and google-tasks. Unpack it',
  );
});

test('a zip archive that was cut between two files is damaged', () => {
  const archive = zipSync({ 'A.csv': Buffer.from('TYPE,CONTENT\ntask,A\n'), 'B.csv': Buffer.from('TYPE,CONTENT\n') });
  const second = Buffer.from(archive).indexOf('PK\x03\x04', 4, 'latin1');
  expect(() => importText(archive.subarray(0, second))).toThrow('The zip archive is damaged');
});

test('null in a list is no item of it', () => {
  const task = { kind: 'tasks#task', title: 'Milk', links: [null, { link: 'https://shop.example' }] };
  const file = { kind: 'tasks#taskLists', items: [null, { title: 'Shop', items: [null, task, null] }] };
  expect(importText(JSON.stringify(file)).todos).toMatchObject([
    { title: 'Milk', description: 'Link: https://shop.example', tags: ['Shop'] },
  ]);
  const page = {
    value: [null, { title: 'Milk', importance: 'normal', status: 'notStarted', categories: [null, 'a'] }],
  };
  expect(importText(JSON.stringify(page)).todos).toMatchObject([{ title: 'Milk', tags: ['a'] }]);
});

test.each(ZONES)('the start of the year 1 is no date of a program, read in %s', (timeZone) => {
  const google = { title: 'A', due: '0001-01-01T00:00:00Z', created: '0001-01-01T00:00:00Z' };
  const graph = (dateTime: string) => ({ dateTime, timeZone: 'UTC' });
  const microsoft = {
    ...{ title: 'A', importance: 'normal', status: 'completed', createdDateTime: '0001-01-01T00:00:00Z' },
    dueDateTime: graph('0001-01-01T00:00:00.0000000'),
    startDateTime: graph('0001-01-01T00:00:00.0000000'),
    completedDateTime: graph('0001-01-01T00:00:00.0000000'),
  };
  const files = [
    JSON.stringify({ kind: 'tasks#tasks', items: [google] }),
    JSON.stringify({ value: [microsoft] }),
    'Subject,Due Date,Date Completed\nA,0001-01-01,1/1/0001\n',
    'List Name,Title,Status,Due Date,Start Date,Is All Day,Timezone\n,A,0,0001-01-01T00:00:00+0000,0001-01-01T00:00:00+0100,true,Europe/Berlin\n',
    'TYPE,CONTENT,DATE\ntask,A,0001-01-01\n',
    JSON.stringify([
      { uuid: '1', description: 'A', status: 'pending', entry: '00010101T000000Z', due: '00010101T000000Z' },
    ]),
  ];
  for (const file of files) {
    const { todos, notKept } = importText(file, { timeZone });
    const { created_at, ...fields } = todos[0] ?? {};
    expect({ created_at, notKept }).toEqual({ created_at: undefined, notKept: [] });
    expect(fields).toMatchObject({ due_on: null, due_at: null, completed_at: null, description: null });
  }
});

test('a zip archive without such a file, a damaged one and a zip bomb are rejected', () => {
  const archive = zipSync({ 'tasks.csv': Buffer.from('Name,Age\r\nKim,7\r\n'.repeat(50)) });
  expect(() => importText(archive)).toThrow('The zip archive has no CSV of Todoist or TickTick');
  expect(() => importText(archive.subarray(0, 60))).toThrow('The zip archive is damaged');
  expect(() => importText(zipSync({ 'bomb.csv': new Uint8Array(300_000_000) }))).toThrow('more than 10000000 bytes');
});

test('JSON that is damaged is rejected with its line', () => {
  const file = EXAMPLE_FILES['google-tasks'];
  expect(() => importText(file.replace('"For 30"', 'For 30'))).toThrow('Line 14: this is no JSON');
  expect(() => importText(file.slice(0, 300))).toThrow(/^Line 17: the JSON ends too early/);
  expect(() => importText('{"kind":"tasks#taskLists","items":[{"title":"A","items":[1]}]}')).toThrow(
    'Task list 1, item 1: expected a JSON object',
  );
  expect(() => importText('{"kind":"tasks#taskLists","items":7}')).toThrow('The task lists: expected a JSON list');
});

test('deeply nested JSON is read without a crash', () => {
  const nested = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
  expect(() => importText(nested)).toThrow(UnknownFormatError);
  const task = `{"uuid":"1","entry":"20261101T060000Z","status":"pending","description":"Deep","extra":${nested}}`;
  expect(importText(`[${task}]`).notKept).toEqual([{ what: 'UDA extra', count: 1 }]);
});

test('names of members and columns do not reach a prototype', () => {
  const task = '"uuid":"1","entry":"20261101T060000Z","status":"pending","description":"Safe"';
  const file = `[{${task},"__proto__":{"polluted":true},"constructor":"x"}]`;
  expect(importText(file).notKept).toEqual([
    { what: 'UDA __proto__', count: 1 },
    { what: 'UDA constructor', count: 1 },
  ]);
  importText('TYPE,CONTENT,__proto__,constructor\ntask,Safe,polluted,x\n');
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test.each(FORMAT_NAMES)('any file that is read as %s gives valid todos, or one of the two errors', (format) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...ZONES), (bytes, timeZone) => {
      requireValidResult(bytes, { format, timeZone });
    }),
    { numRuns: 100 },
  );
});

test('an example with changes anywhere gives valid todos, or one of the two errors', () => {
  const change = fc.record({ place: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat(30), insert: text });
  fc.assert(
    fc.property(formats, fc.array(change, { maxLength: 5 }), fc.constantFrom(...ZONES), (format, changes, timeZone) => {
      let file = EXAMPLE_FILES[format];
      for (const { place, remove, insert } of changes) {
        const start = Math.floor(place * file.length);
        file = file.slice(0, start) + insert + file.slice(start + remove);
      }
      requireValidResult(Buffer.from(file), { timeZone });
      requireValidResult(Buffer.from(file), { timeZone, format });
    }),
    { numRuns: 500 },
  );
});

test('an example whose values are replaced gives valid todos, or one of the two errors', () => {
  const value = fc.oneof(
    text,
    fc.constantFrom(
      '2027-02-29',
      '0000-00-00',
      '9999-12-31T23:59:59-12:00',
      '0001-01-01',
      '-1',
      '1e999',
      '@a @b',
      '#x 📅 2027-01-01',
    ),
    fc.string({ minLength: 400, maxLength: 12_000 }),
  );
  fc.assert(
    fc.property(formats, fc.array(fc.tuple(fc.nat(60), value), { maxLength: 6 }), (format, replaced) => {
      const words = EXAMPLE_FILES[format].split(/(?<=[",:;\r\n ])|(?=[",:;\r\n ])/);
      for (const [place, word] of replaced) words[(place * 7) % words.length] = word;
      requireValidResult(Buffer.from(words.join('')), { format });
    }),
    { numRuns: 500 },
  );
});

function requireValidResult(bytes: Uint8Array, options: { timeZone?: string; format?: FormatName }): void {
  try {
    const { todos, notKept } = importText(bytes, options);
    for (const todo of todos) ValidTodo.parse(todo);
    expect(notKept.map(({ what }) => what)).toEqual(notKept.map(({ what }) => what).sort());
    for (const { count } of notKept) expect(count).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof UnreadableFileError) && !(error instanceof UnknownFormatError)) throw error;
    expect(error.message).toMatch(/\S/);
  }
}
