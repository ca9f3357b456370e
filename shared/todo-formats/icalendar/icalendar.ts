import { type DayOrTime, toInstant } from '../../local-time.ts';
import { LEAST_URGENT_PRIORITY } from '../../todo/limits.ts';
import { requireFewTodos } from '../decoding/todo-limit.ts';
import { UnreadableFileError } from '../file-errors.ts';
import type { ForeignPriority } from '../foreign-todo.ts';
import type { ImportContext } from '../parsed-file.ts';
import { listUnreadable, listUnreadableTimes } from '../rules/list-unreadable.ts';
import type { TodoDraft } from '../rules/todo-draft.ts';
import { type CalendarComponent, readComponents } from './icalendar-components.ts';
import { readCalendarLines } from './icalendar-lines.ts';
import {
  type CalendarProperty,
  findProperty,
  findText,
  hasProperty,
  listProperties,
  listTexts,
  requireProperties,
} from './icalendar-property.ts';
import { addDuration, readCalendarTime } from './icalendar-time.ts';
import { type CalendarZones, createCalendarZones } from './icalendar-zones.ts';

/** Components that are no todos, and their names among what is not kept. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ['VEVENT', 'event'],
  ['VJOURNAL', 'journal entry'],
]);

/** What is not kept if a todo has one of the properties. */
const LOST = [
  { names: ['RRULE', 'RDATE'], what: 'recurrence' },
  { names: ['ATTACH'], what: 'attachment' },
  { names: ['ATTENDEE', 'ORGANIZER'], what: 'assignee' },
  { names: ['GEO'], what: 'location' },
] as const;

const STATUSES: ReadonlySet<string> = new Set(['NEEDS-ACTION', 'IN-PROCESS', 'COMPLETED', 'CANCELLED']);

/** Reads the VTODO components of an iCalendar file, which may contain several calendars. */
export function parseIcalendar(bytes: Uint8Array, context: ImportContext): TodoDraft[] {
  const calendars = readComponents(readCalendarLines(bytes)).filter(({ name }) => name === 'VCALENDAR');
  if (calendars.length === 0)
    throw new UnreadableFileError('The file has no BEGIN:VCALENDAR. Export the list as iCalendar again');
  const timezones = calendars.flatMap(({ inner }) => inner.filter(({ name }) => name === 'VTIMEZONE'));
  const zones = createCalendarZones(timezones, context.timeZone);

  return calendars.flatMap((calendar) => {
    requireFewTodos(calendar.inner.length);
    const list = findText(calendar, 'X-WR-CALNAME') ?? findText(calendar, 'NAME') ?? '';
    return calendar.inner.flatMap((component) => readComponent(component, { list, zones, context }));
  });
}

type Surroundings = { readonly list: string; readonly zones: CalendarZones; readonly context: ImportContext };

function readComponent(component: CalendarComponent, surroundings: Surroundings): TodoDraft[] {
  const other = OTHERS.get(component.name);
  if (other !== undefined) return [{ dropped: other, title: '' }];
  if (component.name !== 'VTODO') return [];
  if (hasProperty(component, 'RECURRENCE-ID')) return [{ dropped: 'occurrence of a recurring todo', title: '' }];
  requireProperties(component);
  return [readTodo(component, surroundings)];
}

function readTodo(component: CalendarComponent, { list, zones, context }: Surroundings): TodoDraft {
  const toTime = (name: string) => toInstant(readCalendarTime(findProperty(component, name), zones), context.timeZone);
  const relations = listProperties(component, 'RELATED-TO').map(({ parameters, values }) => ({
    isParent: (parameters.get('reltype') ?? 'PARENT').toUpperCase() === 'PARENT',
    uid: values.join(',').trim(),
  }));
  const { hasStatus, ...state } = readState(component);
  const { lost, ...dates } = readDates(component, zones);
  const times = { completedAt: toTime('COMPLETED'), createdAt: toTime('CREATED') };
  const uid = findText(component, 'UID')?.trim() || undefined;
  return {
    id: uid,
    uid,
    parentId: relations.find(({ isParent }) => isParent)?.uid || undefined,
    title: findText(component, 'SUMMARY') ?? '',
    text: findText(component, 'DESCRIPTION'),
    comments: listProperties(component, 'COMMENT').map(({ values }) => ({ text: values.join(',') })),
    location: findText(component, 'LOCATION'),
    links: listProperties(component, 'URL').map(({ values }) => values.join(',')),
    ...state,
    ...times,
    ...dates,
    priority: readPriority(component),
    labels: listTexts(component, 'CATEGORIES'),
    lists: [list],
    notKept: [
      ...LOST.filter(({ names }) => hasProperty(component, ...names)).map(({ what }) => what),
      ...(component.inner.some(({ name }) => name === 'VALARM') ? ['reminder'] : []),
      ...(relations.every(({ isParent }) => isParent) ? [] : ['relation']),
      ...(hasStatus ? ['status'] : []),
      ...listUnreadableTimes(
        { completed: findWritten(component, 'COMPLETED'), created: findWritten(component, 'CREATED') },
        times,
      ),
      ...listUnreadable({
        what: 'priority',
        text: findText(component, 'PRIORITY'),
        isRead: /^\s*\+?\d\s*$/.test(findText(component, 'PRIORITY') ?? ''),
      }),
      ...lost,
    ],
  };
}

function readState(component: CalendarComponent): { completed: boolean; cancelled: boolean; hasStatus: boolean } {
  const status = findText(component, 'STATUS')?.trim().toUpperCase() ?? '';
  const percentText = findText(component, 'PERCENT-COMPLETE');
  const percent = readNumber(component, 'PERCENT-COMPLETE');
  const cancelled = status === 'CANCELLED';
  const completed = status === '' ? hasProperty(component, 'COMPLETED') || percent === 100 : status === 'COMPLETED';
  const started = !completed && !cancelled && (status === 'IN-PROCESS' || (percent > 0 && percent < 100));
  const unreadable = listUnreadable(
    { what: 'status', text: status, isRead: STATUSES.has(status) },
    { what: 'status', text: percentText, isRead: /^\s*\+?0*(?:100|\d{1,2})\s*$/.test(percentText ?? '') },
  );
  return { completed, cancelled, hasStatus: started || unreadable.length > 0 };
}

function readDates(
  component: CalendarComponent,
  zones: CalendarZones,
): { due: DayOrTime | undefined; dueWords: string | undefined; start: DayOrTime | undefined; lost: string[] } {
  const startProperty = findProperty(component, 'DTSTART');
  const start = readCalendarTime(startProperty, zones);
  const startLost = listUnreadable({
    what: 'start date',
    text: findWritten(component, 'DTSTART'),
    isRead: start !== undefined,
  });
  const dueProperty = findProperty(component, 'DUE');
  if (dueProperty === undefined) {
    const duration = findText(component, 'DURATION');
    const due = duration === undefined ? undefined : addDuration(startProperty, duration, zones);
    const unreadable = listUnreadable({ what: 'duration', text: duration, isRead: due !== undefined });
    const unknownZone = due === undefined ? [] : listUnknownZone(startProperty, zones);
    return { due, dueWords: undefined, start, lost: [...startLost, ...unreadable, ...unknownZone] };
  }
  const due = readCalendarTime(dueProperty, zones);
  if (due !== undefined)
    return { due, dueWords: undefined, start, lost: [...startLost, ...listUnknownZone(dueProperty, zones)] };
  return { due, dueWords: dueProperty.values.join(','), start, lost: [...startLost, 'date in words'] };
}

/** Only a local time needs its zone: a day has none, and a time in UTC ends in Z. */
function listUnknownZone(property: CalendarProperty | undefined, zones: CalendarZones): string[] {
  const isLocalTime = /T\S*\d$/i.test(property?.values[0]?.trim() ?? '');
  return isLocalTime && zones.isUnknown(property?.parameters.get('tzid') ?? '') ? ['unknown time zone'] : [];
}

function readPriority(component: CalendarComponent): ForeignPriority {
  const priority = readNumber(component, 'PRIORITY');
  if (priority >= 1 && priority <= 4) return 1;
  if (priority === 5) return 2;
  return priority >= 6 && priority <= 9 ? 3 : LEAST_URGENT_PRIORITY;
}

/** The value of a property as the file has it. */
function findWritten(component: CalendarComponent, name: string): string | undefined {
  return findProperty(component, name)?.values.join(',');
}

function readNumber(component: CalendarComponent, name: string): number {
  return Number.parseInt(findText(component, name) ?? '', 10) || 0;
}
