import ICAL from 'ical.js';
import { writeDescription, writeTags, writeTitle } from '../rules/write-fields.ts';
import type { ExportedTodo, WrittenTodo } from '../written-todo.ts';

/** What stands before the todos, and after them (RFC 5545 §3.4). */
export const ICALENDAR_START = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//yata//yata//EN\r\n';
export const ICALENDAR_END = 'END:VCALENDAR\r\n';

/** The values of PRIORITY that calendars show as high, medium and low (RFC 5545 §3.8.1.9). The least urgent one has none. */
const PRIORITIES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [2, 5],
  [3, 9],
]);

/** Characters that RFC 5545 §3.1 excludes from text. */
const CONTROL = /(?![\t\n\u0080-\u009f])\p{Cc}/gu;

type Property = [name: string, parameters: object, type: string, ...values: (string | number)[]];

/** Writes a todo as a VTODO component. */
export function writeIcalendar(todo: ExportedTodo): WrittenTodo {
  const title = writeTitle(withoutControls(todo.title));
  const description = writeDescription(todo.description === null ? null : withoutControls(todo.description));
  const tags = writeTags(todo.tags, (tag) => tag === withoutControls(tag));
  const priority = PRIORITIES.get(todo.priority);
  const properties: Property[] = [
    ['uid', {}, 'text', todo.id],
    // without a METHOD, this is when the todo last changed (§3.8.7.2)
    time('dtstamp', todo.updated_at),
    time('created', todo.created_at),
    ['summary', {}, 'text', title.value],
    ...(description.value === '' ? [] : [['description', {}, 'text', description.value] satisfies Property]),
    ...(todo.due_on === null ? [] : [['due', {}, 'date', todo.due_on] satisfies Property]),
    ...(todo.due_at === null ? [] : [time('due', todo.due_at)]),
    ['status', {}, 'text', todo.completed ? 'COMPLETED' : 'NEEDS-ACTION'],
    ...(todo.completed_at === null ? [] : [time('completed', todo.completed_at)]),
    ...(priority === undefined ? [] : [['priority', {}, 'integer', priority] satisfies Property]),
    ...(tags.value.length === 0 ? [] : [['categories', {}, 'text', ...tags.value] satisfies Property]),
  ];
  return {
    text: refold(ICAL.stringify(['vtodo', properties, []])),
    notKept: [...title.lost, ...description.lost, ...tags.lost, ...listLost(todo)],
  };
}

const MAX_LINE_BYTES = 75;

/** Folds long lines (RFC 5545 §3.1). ical.js does not count the space before a continued line, so its lines are too long. */
function refold(text: string): string {
  return text.replaceAll('\r\n ', '').split('\r\n').map(fold).join('\r\n');
}

function fold(line: string): string {
  let folded = '';
  let bytes = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (bytes + size > MAX_LINE_BYTES) {
      folded += '\r\n ';
      bytes = 1;
    }
    folded += character;
    bytes += size;
  }
  return folded;
}

/** iCalendar has no fractions of a second. */
function time(name: string, value: string): Property {
  return [name, {}, 'date-time', value.replace(/\.\d+/, '')];
}

function listLost({ title, description, created_at, completed_at, due_at }: ExportedTodo): string[] {
  const hasFraction = [created_at, completed_at, due_at].some((time) => time !== null && !time.endsWith('.000Z'));
  const hasControl = [title, description ?? ''].some((text) => text !== withoutControls(text));
  return [...(hasFraction ? ['fraction of a second'] : []), ...(hasControl ? ['control character'] : [])];
}

/** Line ends stay: they have an escape. */
function withoutControls(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(CONTROL, '');
}
