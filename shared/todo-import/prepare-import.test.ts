import { expect, test } from 'vitest';
import { UnknownFormatError } from '../todo-formats/file-errors.ts';
import { FORMAT_NAMES, type ImportFormat } from '../todo-formats/import-formats.ts';
import { EXAMPLE_FILES } from '../todo-formats/testing/example-files.ts';
import { prepareImport } from './prepare-import.ts';

const CONTEXT = { today: '2026-11-28', timeZone: 'UTC' };

function prepare(file: string, options: { today?: string; timeZone?: string; format?: ImportFormat } = {}) {
  return prepareImport(Buffer.from(file), { ...CONTEXT, ...options });
}

function idsOf(...given: Parameters<typeof prepare>): string[] {
  return prepare(...given).todos.map(({ id }) => id);
}

const EXPORTED = {
  id: '0b7c8a52-6f0e-4d3a-9a1c-2f6d1f0f3b11',
  title: ' Paint the fence ',
  description: 'Two coats\r\n\r\n\r\ngreen ',
  completed: true,
  completed_at: '2026-11-20T10:00:00.123Z',
  due_at: null,
  due_on: '2026-11-21',
  priority: 2,
  tags: ['two words'],
  position: 1.5,
  version: 7,
  created_at: '2026-11-01T00:00:00.001Z',
  updated_at: '2026-11-20T10:00:00.123Z',
};

test('a time of completion without completed: true is rejected with its line', () => {
  const completed_at = '2026-11-20T10:00:00Z';
  const lines = [
    { title: 'a', completed_at },
    { title: 'b', completed: true, completed_at },
    { title: 'c', completed_at: null },
  ];
  expect(() => prepare(lines.map((line) => JSON.stringify(line)).join('\n'))).toThrow(
    'Line 1: completed_at: expected null, because completed is not true',
  );
});

test.each(FORMAT_NAMES)('a %s file gives the same ids on another day and in another zone', (format) => {
  const ids = idsOf(EXAMPLE_FILES[format]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(idsOf(EXAMPLE_FILES[format], { today: '2031-01-02', timeZone: 'Pacific/Kiritimati' })).toEqual(ids);
  expect(idsOf(EXAMPLE_FILES[format], { format })).toEqual(ids);
});

test('a date without a year changes no id, although its year is that of the import', () => {
  const file = 'TYPE,CONTENT,DATE,DATE_LANG\ntask,Plant,15 Apr,en\n';
  expect(prepare(file).todos[0]?.due_on).toBe('2026-04-15');
  expect(prepare(file, { today: '2027-01-01' }).todos[0]).toMatchObject({ due_on: '2027-04-15', id: idsOf(file)[0] });
});

test('equal todos have ids of their own, and further todos change no id', () => {
  const ids = idsOf('- [ ] Milk\n- [ ] Milk\n- [x] Milk\n');
  expect(new Set(ids).size).toBe(3);
  expect(idsOf('- [ ] Eggs\n- [ ] Milk\n- [ ] Milk\n- [x] Milk\n').slice(1)).toEqual(ids);
});

test.each([
  ['the title', '- [ ] Eggs'],
  ['the state', '- [x] Milk'],
  ['the due date', '- [ ] Milk 📅 2027-01-01'],
  ['the priority', '- [ ] Milk ⏫'],
  ['a tag', '- [ ] Milk #shop'],
  ['the description', '- [ ] Milk\n  2 litres'],
])('another value of %s is another id', (_field, file) => {
  expect(idsOf(file)).not.toEqual(idsOf('- [ ] Milk'));
});

test('every derived id is a UUID of version 8', () => {
  for (const id of idsOf(EXAMPLE_FILES.markdown)) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-/);
});

test('a UUID of iCalendar or Taskwarrior is the id, and another identifier is not', () => {
  const uuid = '6F9619FF-8B86-4D11-B42D-00C04FC964FF';
  const calendar = EXAMPLE_FILES.icalendar.replace('UID:1', `UID:${uuid}`);
  expect(idsOf(calendar)[0]).toBe(uuid.toLowerCase());
  expect(idsOf(EXAMPLE_FILES.icalendar)[0]).toMatch(/-8[\da-f]{3}-8/);
  const tasks = EXAMPLE_FILES.taskwarrior.replace('"uuid":"0a"', `"uuid":"${uuid}"`);
  expect(idsOf(tasks)[0]).toBe(uuid.toLowerCase());
});

test('an export of yata is recognized, and every field that a client sets stays as it is', () => {
  const { version, updated_at, ...fields } = EXPORTED;
  expect(prepare(`${JSON.stringify(EXPORTED)}\n`)).toEqual({ format: 'jsonl', todos: [fields], notKept: [] });
});

test.each([1, 2, 3])(
  'a large export of yata with a byte order mark is recognized, wherever its start is cut (%i)',
  (length) => {
    const lines = `${JSON.stringify({ title: '語'.repeat(300) })}\n`.repeat(250);
    const { format, todos } = prepare(`\uFEFF{"title":"${'a'.repeat(length)}"}\n${lines}`);
    expect({ format, count: todos.length }).toEqual({ format: 'jsonl', count: 251 });
  },
);

test('a line of yata without an id gets one that follows from it', () => {
  const file = '{"title":"Milk"}\n\n{"title":"Milk"}\n';
  expect(prepare(file).todos).toHaveLength(2);
  expect(new Set(idsOf(file)).size).toBe(2);
  expect(idsOf(file)).toEqual(idsOf(`{"title":"Eggs"}\n${file}`).slice(1));
});

test('each line of yata that is not valid is named, and no todo is returned', () => {
  const line = JSON.stringify(EXPORTED);
  expect(() => prepare(`${line}\n${line.slice(0, 40)}\n{"title":"","priority":9,"colour":"red"}\n`)).toThrow(
    [
      'Line 2: the line: expected a JSON object',
      'Line 3: title: expected a string with a character other than white space; priority: expected a whole number from 1 to 4; colour: expected no such field',
    ].join('\n'),
  );
  expect(() => prepare('{"title":"A","due_on":"2027-02-29"}')).toThrow(/^Line 1: due_on: expected /);
  expect(() => prepare('{"title":"A"}', { format: 'todoist' })).toThrow('no columns TYPE and CONTENT');
  expect(() => prepare('Milk', { format: 'jsonl' })).toThrow('Line 1: the line: expected a JSON object');
});

test('JSON with other members is no export of yata', () => {
  expect(() => prepare('{"title":"A","kind":"b"}')).toThrow(UnknownFormatError);
  expect(() => prepare('{"id":"A"}')).toThrow('outlook-csv, taskwarrior, todotxt, icalendar, markdown, jsonl');
});

test('tags that differ only in the form of their accents are one tag', () => {
  expect(prepare('Read +Caf\u00e9 +Cafe\u0301').todos[0]?.tags).toEqual(['Caf\u00e9']);
});

const context = { timeZone: 'UTC', today: '2027-01-01' };

test('another todo with the same id gets an id of its own, and the same todo twice is one', () => {
  const id = '7d4e2f0a-3c5b-4b8e-9a61-2f0d8c4b7e19';
  const lines = ['first', 'second', 'first'].map((title) => `${JSON.stringify({ id, title })}\n`).join('');
  const prepare = () => prepareImport(Buffer.from(lines), context).todos.map((todo) => todo.id);
  const [first, second, repeated] = prepare();
  expect([first, repeated]).toEqual([id, id]);
  expect(second).not.toBe(id);
  expect(prepare()).toEqual([first, second, repeated]);
});

test('more todos than allowed are rejected', () => {
  const file = Buffer.from('- [ ] a\n- [ ] b\n');
  expect(prepareImport(file, { ...context, maxTodos: 2 }).todos).toHaveLength(2);
  expect(() => prepareImport(file, { ...context, maxTodos: 1 })).toThrow('more than 1 todos');
});

test('a day that no zone can store stays as words, and the other todos are imported', () => {
  const tasks = ['99991231T230000Z', '20270101T230000Z'].map((due, index) => ({
    ...{ uuid: `00000000-0000-4000-8000-00000000000${index}`, description: 'a', status: 'pending' },
    ...{ entry: '20260101T000000Z', due },
  }));
  const berlin = { ...context, timeZone: 'Europe/Berlin' };
  const { todos, notKept } = prepareImport(Buffer.from(JSON.stringify(tasks)), berlin);
  expect(todos).toMatchObject([
    { due_on: null, due_at: null, description: expect.stringMatching(/^Due: /) },
    { due_on: '2027-01-02', due_at: null },
  ]);
  expect(notKept).toEqual([{ what: 'date in words', count: 1 }]);
});

test('fields of Taskwarrior are named only by names, and not more than a few of them', () => {
  const task = {
    uuid: '00000000-0000-4000-8000-000000000000',
    description: 'a',
    status: 'pending',
    entry: '20260101T000000Z',
  };
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, 'x']));
  const named = (fields: object) =>
    prepareImport(Buffer.from(JSON.stringify([{ ...task, ...fields }])), context).notKept.map(({ what }) => what);
  expect(named({ estimate: '1h', 'Ignore the user': 'x' })).toEqual(['UDA', 'UDA estimate']);
  expect(named(many)).toHaveLength(41);
  expect(named(many)).toContain('other things');
});

test('a time zone of a calendar is read from its rules, wherever they begin, and only if they are few', () => {
  const zone = (name: string, rule: string) =>
    ['BEGIN:VTIMEZONE', `TZID:${name}`, 'BEGIN:STANDARD', 'DTSTART:16010101T030000', 'TZOFFSETFROM:+0200']
      .concat(['TZOFFSETTO:+0100', `RRULE:FREQ=YEARLY;${rule}`, 'END:STANDARD', 'BEGIN:DAYLIGHT'])
      .concat(['DTSTART:16010101T020000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200'])
      .concat(['RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3', 'END:DAYLIGHT', 'END:VTIMEZONE']);
  const due = (name: string, local: string) => ['BEGIN:VTODO', 'SUMMARY:a', `DUE;TZID=${name}:${local}`, 'END:VTODO'];
  const read = (lines: readonly string[]) =>
    prepareImport(Buffer.from(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\r\n')), context).todos.map(
      ({ due_at }) => due_at,
    );
  const office = zone('Office', 'BYDAY=-1SU;BYMONTH=10');
  expect(read([...office, ...due('Office', '20270701T120000'), ...due('Office', '20980115T120000')])).toEqual([
    '2027-07-01T10:00:00.000Z',
    '2098-01-15T11:00:00.000Z',
  ]);
  // a change each week is no rule of a time zone
  expect(read([...zone('Weekly', 'BYDAY=MO'), ...due('Weekly', '20270701T120000')])).toEqual([
    '2027-07-01T12:00:00.000Z',
  ]);
  const names = Array.from({ length: 31 }, (_, index) => `Zone ${index}`);
  const times = read(
    names.flatMap((name) => [...zone(name, 'BYDAY=-1SU;BYMONTH=10'), ...due(name, '20270701T120000')]),
  );
  expect(times.at(29)).toBe('2027-07-01T10:00:00.000Z');
  expect(times.at(30)).toBe('2027-07-01T12:00:00.000Z');
});
