import type { WrittenFormat } from './export-formats.ts';
import { ICALENDAR_END, ICALENDAR_START, writeIcalendar } from './icalendar/write-icalendar.ts';
import { writeMarkdown } from './markdown/write-markdown.ts';
import { writeTodotxt } from './todotxt/write-todotxt.ts';
import type { ExportedTodo, WrittenTodo } from './written-todo.ts';

/** Writes todos one after another. */
export type FormatWriter = {
  /** The zone of the days, for a format that has no times of day. */
  readonly zone?: string;
  readonly start: string;
  readonly write: (todo: ExportedTodo) => WrittenTodo;
  readonly end: string;
};

/** Creates the writer of a format. Days are those of `zone`, if the format has no times of day. */
export function createFormatWriter(format: WrittenFormat, zone: string): FormatWriter {
  switch (format) {
    case 'todotxt':
      return { zone, start: '', write: (todo) => writeTodotxt(todo, zone), end: '' };
    case 'markdown':
      return { zone, start: '', write: (todo) => writeMarkdown(todo, zone), end: '' };
    case 'icalendar':
      return { start: ICALENDAR_START, write: writeIcalendar, end: ICALENDAR_END };
  }
}
