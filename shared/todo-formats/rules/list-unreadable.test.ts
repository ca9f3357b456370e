import { expect, test } from 'vitest';
import { importText } from '../testing/import-text.ts';

const csv = (...rows: readonly string[]) => rows.join('\n');
const google = (task: object) =>
  JSON.stringify({ kind: 'tasks#tasks', items: [{ title: 'A', status: 'needsAction', ...task }] });
const microsoft = (task: object) =>
  JSON.stringify({ value: [{ title: 'A', status: 'notStarted', importance: 'normal', ...task }] });
const taskwarrior = (task: object) =>
  JSON.stringify([{ uuid: '1', entry: '20261101T100000Z', description: 'A', status: 'pending', ...task }]);
const calendar = (...lines: readonly string[]) =>
  ['BEGIN:VCALENDAR', 'BEGIN:VTODO', 'SUMMARY:A', ...lines, 'END:VTODO', 'END:VCALENDAR', ''].join('\r\n');
const ticktick = (columns: string, row: string) => csv(`List Name,Title,Status,${columns}`, `L,A,${row}`);
const outlook = (columns: string, row: string) => csv(`Subject,Due Date,Date Completed,${columns}`, `A,${row}`);

const BOTH = ['completion time', 'creation time'];

test.each([
  ['TickTick', ticktick('Created Time,Completed Time', '1,yesterday,2026-13-01T10:00:00+0000'), BOTH],
  ['TickTick', ticktick('Start Date', '0,soon'), ['start date']],
  ['TickTick', ticktick('Priority', '7,9'), ['priority', 'status']],
  ['Google', google({ status: 'completed', completed: 'yesterday', created: '2026-13-01T10:00:00Z' }), BOTH],
  ['Google', google({ completed: 7, created: {} }), BOTH],
  ['Google', google({ status: 'foo' }), ['status']],
  ['Microsoft', microsoft({ completedDateTime: { dateTime: 'x' }, createdDateTime: 'yesterday' }), BOTH],
  ['Microsoft', microsoft({ completedDateTime: 'x', createdDateTime: 7 }), BOTH],
  ['Microsoft', microsoft({ startDateTime: { dateTime: 'x' }, dueDateTime: 'soon' }), ['date in words', 'start date']],
  ['Microsoft', microsoft({ importance: 'urgent', status: 'foo' }), ['priority', 'status']],
  [
    'Microsoft',
    microsoft({ completedDateTime: { dateTime: '2026-11-02T10:00:00', timeZone: 'Mars/X' } }),
    ['unknown time zone'],
  ],
  ['Outlook', outlook('Priority', ',yesterday,Urgent'), ['completion time', 'priority']],
  ['Outlook', outlook('Status', ',11/2/2026,Foo'), ['status']],
  ['Outlook', outlook('% Complete', ',,half'), ['status']],
  ['Taskwarrior', taskwarrior({ status: 'completed', end: {}, entry: 'yesterday' }), BOTH],
  ['Taskwarrior', taskwarrior({ status: 'foo', priority: 'X' }), ['priority', 'status']],
  ['Taskwarrior', taskwarrior({ annotations: [{ entry: 'x', description: 'B' }] }), ['time of a comment']],
  ['Todoist', csv('TYPE,CONTENT,PRIORITY,DATE', 'task,A,9,', 'note,B,,x'), ['priority', 'time of a comment']],
  ['iCalendar', calendar('COMPLETED:yesterday', 'CREATED:20261301T100000Z', 'DTSTART:x'), [...BOTH, 'start date']],
  ['iCalendar', calendar('STATUS:FOO', 'PRIORITY:high'), ['priority', 'status']],
  ['iCalendar', calendar('PERCENT-COMPLETE:half', 'PRIORITY:10'), ['priority', 'status']],
  ['iCalendar', calendar('DTSTART:20261201T100000Z', 'DURATION:1 hour'), ['duration', 'start date']],
])('what cannot be read in a file of %s is counted: %s', (_program, file, lost) => {
  expect(importText(file)).toMatchObject({
    todos: [{ title: 'A' }],
    notKept: lost.map((what) => ({ what, count: 1 })),
  });
});

test.each([
  ticktick('Created Time,Completed Time,Priority', '0,,,'),
  ticktick('Created Time,Priority', '0,0001-01-01T00:00:00+0000,0'),
  ticktick('Created Time,Priority', ',0000-00-00,'),
  google({ created: null, completed: '' }),
  microsoft({ completedDateTime: null, createdDateTime: '0001-01-01T00:00:00Z', dueDateTime: {} }),
  taskwarrior({ end: '', priority: '', annotations: [{ description: 'B' }] }),
  csv('TYPE,CONTENT,PRIORITY,DATE', 'task,A,,', 'note,B,,'),
  calendar('CREATED:00001231T000000Z', 'STATUS:needs-action', 'PRIORITY:0', 'PERCENT-COMPLETE:000'),
  outlook('Priority,Status,% Complete', ',0/0/00,,,'),
])('an absent value is not counted: %s', (file) => {
  expect(importText(file).notKept).toEqual([]);
});
