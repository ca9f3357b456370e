import { expect, test } from 'vitest';
import { exportedTodo } from '../testing/exported-todo.ts';
import { writeIcalendar } from './write-icalendar.ts';

function write(fields: Parameters<typeof exportedTodo>[0]) {
  return writeIcalendar(exportedTodo(fields));
}

test('a todo is a VTODO with every field', () => {
  const fields = {
    description: 'Two coats\ngreen; not blue',
    completed: true,
    completed_at: '2026-11-09T10:00:00.000Z',
    due_on: '2026-12-18',
    priority: 2,
    tags: ['home', 'wet, dirty'],
  };
  expect(write(fields)).toEqual({
    text: [
      'BEGIN:VTODO',
      'UID:0b7c8a52-6f0e-4d3a-9a1c-2f6d1f0f3b11',
      'DTSTAMP:20261102T101112Z',
      'CREATED:20261101T000000Z',
      'SUMMARY:Paint the fence',
      'DESCRIPTION:Two coats\\ngreen\\; not blue',
      'DUE;VALUE=DATE:20261218',
      'STATUS:COMPLETED',
      'COMPLETED:20261109T100000Z',
      'PRIORITY:5',
      'CATEGORIES:home,wet\\, dirty',
      'END:VTODO',
      '',
    ].join('\r\n'),
    notKept: [],
  });
});

test('a due time is in UTC, and an open todo needs action', () => {
  const { text } = write({ due_at: '2026-12-05T23:30:00.000Z' });
  expect(text).toContain('\r\nDUE:20261205T233000Z\r\n');
  expect(text).toContain('\r\nSTATUS:NEEDS-ACTION\r\n');
  expect(text).not.toMatch(/PRIORITY|CATEGORIES|DESCRIPTION|COMPLETED/);
});

test('a long line is folded after at most 75 octets, and no character is cut', () => {
  const { text } = write({ title: `${'Größe 😀 '.repeat(40)}.` });
  for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  expect(text.replaceAll('\r\n ', '')).toContain('Größe 😀 Größe 😀 .');
});

test('text cannot end its property', () => {
  const { text } = write({ title: 'a\r\nEND:VTODO', description: 'b\r\nEND:VTODO\rEND:VCALENDAR' });
  expect(text.match(/^END:/gm)).toHaveLength(1);
});

test.each([
  ['a fraction of a second', { created_at: '2026-11-01T00:00:00.001Z' }, 'fraction of a second'],
  ['a control character', { title: 'Paint\u0007' }, 'control character'],
  ['a tag with a line break', { tags: ['a\nb', 'one'] }, 'tag'],
])('%s is named, because the format cannot hold it', (_name, fields, what) => {
  expect(write(fields).notKept).toEqual([what]);
});
