import { ICALENDAR_END, ICALENDAR_START, writeIcalendar } from './icalendar/write-icalendar.ts';
import { writeMarkdown } from './markdown/write-markdown.ts';
import { writeTodotxt } from './todotxt/write-todotxt.ts';
import type { ExportedTodo, WrittenTodo } from './written-todo.ts';

/** The formats of other programs in which todos can be written. */
export const WRITTEN_FORMATS = ['todotxt', 'icalendar', 'markdown'] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

/** Writes todos one after another. */
export type TodoWriter = {
  readonly start: string;
  readonly write: (todo: ExportedTodo) => WrittenTodo;
  readonly end: string;
};

/**
 * Creates the writer of a format.
 * @param zone in which a time has its day, for a format that has days alone.
 */
export function createTodoWriter(format: WrittenFormat, zone: string): TodoWriter {
  switch (format) {
    case 'todotxt':
      return { start: '', write: (todo) => writeTodotxt(todo, zone), end: '' };
    case 'markdown':
      return { start: '', write: (todo) => writeMarkdown(todo, zone), end: '' };
    case 'icalendar':
      return { start: ICALENDAR_START, write: writeIcalendar, end: ICALENDAR_END };
  }
}
