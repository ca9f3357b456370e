import { expect, test } from 'vitest';
import { EXAMPLE_FILES } from '../testing/example-files.ts';
import { importText, todo } from '../testing/import-text.ts';

const CABIN_TIME = `BEGIN:VTIMEZONE
TZID:Cabin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
`;

function calendar(content: string): string {
  return `BEGIN:VCALENDAR\n${content}\nEND:VCALENDAR\n`;
}

/** The only todo of a calendar with these properties, and what it loses. */
function importTodo(properties: string, { timeZone = 'UTC', beside = '' } = {}) {
  const file = calendar(`BEGIN:VTODO\nSUMMARY:A\n${properties}\nEND:VTODO\n${beside}`);
  const { todos, notKept } = importText(file, { timeZone });
  return { ...todos[0], lost: notKept.map(({ what }) => what) };
}

test('the todos of a calendar become todos', () => {
  expect(importText(EXAMPLE_FILES.icalendar)).toEqual({
    format: 'icalendar',
    todos: [
      todo({
        title: 'Scrape the hull',
        description: 'Start at the bow\nWear a mask\n\nLocation: Slip 4',
        due_on: '2027-04-10',
        priority: 1,
        tags: ['Work', 'Dirty, wet', 'Boat, blue'],
        created_at: '2026-11-03T07:00:00.000Z',
      }),
      todo({
        title: 'Rent the crane',
        description: 'Part of: Scrape the hull',
        completed: true,
        completed_at: '2026-11-04T10:11:12.000Z',
        due_at: '2027-04-09T06:15:00.000Z',
        tags: ['Boat, blue'],
      }),
    ],
    notKept: [{ what: 'recurrence', count: 1 }],
  });
});

test('a fold may cut a character in two', () => {
  const [start, end] = [
    'BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:Gr\xc3',
    '\xbc\xc3\xbfe\r\n\t!\r\nEND:VTODO\r\nEND:VCALENDAR\r\n',
  ];
  expect(importText(Buffer.from(`${start}\r\n ${end}`, 'latin1')).todos[0]?.title).toBe('Grüÿe!');
});

test.each([
  ['DUE;VALUE=DATE:20270110', '2027-01-10'],
  ['DUE:20270110', '2027-01-10'],
  ['DUE:20270110T090000Z', '2027-01-10T09:00:00.000Z'],
  ['DUE:20270110T090000', '2027-01-10T08:00:00.000Z'],
  ['DUE;TZID=Cabin:20270110T090000', '2027-01-10T08:00:00.000Z'],
  ['DUE;TZID=Cabin:20270710T090000', '2027-07-10T07:00:00.000Z'],
  ['DUE;TZID=Cabin:20270328T023000', '2027-03-28T01:30:00.000Z'],
  ['DUE;TZID=Cabin:20261025T023000', '2026-10-25T00:30:00.000Z'],
  ['DUE;TZID=America/New_York:20270310T090000', '2027-03-10T14:00:00.000Z'],
  ['DUE;TZID=Eastern Standard Time:20270310T090000', '2027-03-10T14:00:00.000Z'],
  ['DUE;TZID="/example.org/2026/America/New_York":20270310T090000', '2027-03-10T14:00:00.000Z'],
  ['DUE;TZID=Nowhere:20270110T090000', '2027-01-10T08:00:00.000Z'],
  ['DTSTART:20270105T100000Z\nDURATION:PT1H30M', '2027-01-05T11:30:00.000Z'],
  ['DTSTART;TZID=Europe/Rome:20270327T100000\nDURATION:P1DT2H', '2027-03-28T10:00:00.000Z'],
  ['DTSTART;VALUE=DATE:20270105\nDURATION:P1W', '2027-01-12'],
])('%j is due at %s', (properties, expected) => {
  const { due_on, due_at } = importTodo(properties, { timeZone: 'Europe/Madrid', beside: CABIN_TIME });
  expect(due_on ?? due_at).toBe(expected);
});

test('a time zone rule that would never end is ignored', () => {
  const beside = CABIN_TIME.replaceAll('FREQ=YEARLY', 'FREQ=SECONDLY');
  expect(importTodo('DUE;TZID=Cabin:20270710T090000', { beside }).due_at).toBe('2027-07-10T09:00:00.000Z');
});

test.each([
  ['DUE;TZID=Nowhere:20270110T090000', ['unknown time zone']],
  ['DTSTART;TZID=Nowhere:20270110T090000\nDURATION:PT1H', ['start date', 'unknown time zone']],
  ['DUE;TZID=Nowhere:20270110T090000Z', []],
  ['DUE;TZID=Nowhere;VALUE=DATE:20270110', []],
  ['DUE;TZID=:20270110T090000', []],
  ['DUE;TZID=Cabin:20270110T090000', []],
])('%j counts an unknown time zone: %j', (properties, lost) => {
  expect([...importTodo(properties, { beside: CABIN_TIME }).lost].sort()).toEqual(lost);
});

test('an impossible due date stays as words', () => {
  expect(importTodo('DUE;VALUE=DATE:20270229')).toMatchObject({
    due_on: null,
    description: 'Due: 2027-02-29',
    lost: ['date in words'],
  });
});

test('a start is counted unless it is the due date', () => {
  expect(importTodo('DTSTART:20270101T070000Z\nDUE:20270101T070000Z').lost).toEqual([]);
  expect(importTodo('DTSTART:20270101T070000Z\nDUE:20270101T080000Z').lost).toEqual(['start date']);
  expect(importTodo('DTSTART;VALUE=DATE:20270101')).toMatchObject({ due_on: null, lost: ['start date'] });
});

test.each([
  ['STATUS:COMPLETED\nPERCENT-COMPLETE:0', true, [], []],
  ['PERCENT-COMPLETE:100', true, [], []],
  ['COMPLETED:20261020T101112Z', true, [], []],
  ['STATUS:NEEDS-ACTION\nPERCENT-COMPLETE:100', false, [], []],
  ['STATUS:CANCELLED', true, ['cancelled'], []],
  ['STATUS:IN-PROCESS\nPERCENT-COMPLETE:40', false, [], ['status']],
  ['PERCENT-COMPLETE:1', false, [], ['status']],
])('%j is completed: %s', (properties, completed, tags, lost) => {
  expect(importTodo(properties)).toMatchObject({ completed, tags, lost });
});

test('the priority has three levels above the default', () => {
  const priorities = [0, 1, 4, 5, 6, 9, 10].map((priority) => importTodo(`PRIORITY:${priority}`).priority);
  expect(priorities).toEqual([4, 1, 1, 2, 3, 3, 4]);
});

test('a time without a zone is in the zone of the import', () => {
  const dates = 'CREATED:20261101T120000\nSTATUS:COMPLETED\nCOMPLETED;VALUE=DATE:20261103';
  expect(importTodo(dates, { timeZone: 'Asia/Tokyo' })).toMatchObject({
    created_at: '2026-11-01T03:00:00.000Z',
    completed_at: '2026-11-02T15:00:00.000Z',
  });
});

test('escapes are removed, and a URL stays as it is', () => {
  expect(
    importTodo('DESCRIPTION;LANGUAGE=en:a\\, b\\; c\\\\n\\Nd\nURL:https://example.net/p;q?r=s:t\ncomment:Hi')
      .description,
  ).toBe('a, b; c\\n\nd\n\nComment: Hi\n\nLink: https://example.net/p;q?r=s:t');
});

test('what a todo cannot have is counted', () => {
  const properties = `RRULE:FREQ=DAILY
ATTACH:https://files.example/a
ATTENDEE;CN="Roe: Max":mailto:max@example.net
GEO:1;2
RELATED-TO;RELTYPE=SIBLING:x
BEGIN:VALARM
TRIGGER:-PT5M
END:VALARM`;
  expect(importTodo(properties).lost).toEqual([
    'assignee',
    'attachment',
    'location',
    'recurrence',
    'relation',
    'reminder',
  ]);
});

test('components that are no todos are counted, and several calendars are read', () => {
  const beside = 'BEGIN:VEVENT\nnot read\nEND:VEVENT\nBEGIN:VJOURNAL\nEND:VJOURNAL';
  const occurrence = 'BEGIN:VTODO\nUID:1\nRECURRENCE-ID:20261231T070000Z\nSUMMARY:Once\nEND:VTODO';
  const file = calendar(`begin:vtodo\nuid:1\nsummary:Daily\nend:vtodo\n${occurrence}\n${beside}`);
  const second = calendar('BEGIN:VTODO\nRELATED-TO:1\nSUMMARY:Child\nEND:VTODO\nNAME:Second');
  expect(importText(file + second)).toEqual({
    format: 'icalendar',
    todos: [todo({ title: 'Daily' }), todo({ title: 'Child', description: 'Part of: Daily', tags: ['Second'] })],
    notKept: ['event', 'journal entry', 'occurrence of a recurring todo'].map((what) => ({ what, count: 1 })),
  });
});

test('a broken line and a file that is not complete are rejected with the line', () => {
  expect(() => importTodo('DESCRIPTION:first\nsecond line')).toThrow(/^Line 5: this is no property/);
  expect(() => importTodo('DUE;TZID="Cabin:20270110T090000')).toThrow(/^Line 4: this is no property/);
  expect(() => importText('BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:A\n')).toThrow(/^Line 2: BEGIN:VTODO has no END/);
  expect(() => importText('BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VCALENDAR\n')).toThrow(
    /^Line 3: END:VCALENDAR does not belong/,
  );
});
