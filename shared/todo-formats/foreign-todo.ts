import type { LEAST_URGENT_PRIORITY } from '../todo/limits.ts';

/** The formats that can be read, by the names that a user gives. */
export const FORMAT_NAMES = [
  'todoist',
  'ticktick',
  'google-tasks',
  'microsoft-todo',
  'outlook-csv',
  'taskwarrior',
  'todotxt',
  'icalendar',
  'markdown',
] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** The formats of an import: those of other programs, and yata's own JSON Lines. */
export const IMPORT_FORMATS = [...FORMAT_NAMES, 'jsonl'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export type ForeignPriority = 1 | 2 | 3 | typeof LEAST_URGENT_PRIORITY;

/** A todo of another program, with the fields of the API. Times are UTC with milliseconds. It never has both `due_on` and `due_at`. */
export type ForeignTodo = {
  /** The UUID that the todo has in the other program. */
  readonly id?: string;
  readonly title: string;
  readonly description: string | null;
  readonly completed: boolean;
  readonly completed_at: string | null;
  /** A day, such as 2027-01-31. */
  readonly due_on: string | null;
  readonly due_at: string | null;
  readonly priority: ForeignPriority;
  readonly tags: readonly string[];
  readonly created_at?: string;
};

/** The todos of a file, in its order, and what the import loses: a kind of thing, and the number of todos that have it. */
export type ParsedFile = {
  readonly format: FormatName;
  readonly todos: readonly ForeignTodo[];
  readonly notKept: readonly { readonly what: string; readonly count: number }[];
};

export type ImportContext = {
  /** The IANA name of the time zone for times of a file that names none. */
  readonly timeZone: string;
  /** The day of the import, for dates without a year. */
  readonly today: string;
};

/** The file is damaged, or it is no file of its format. The message says where, what is wrong and what to do. */
export class UnreadableFileError extends Error {
  override name = 'UnreadableFileError';
}

/** The content does not show which format the file has. */
export class UnknownFormatError extends Error {
  override name = 'UnknownFormatError';

  constructor() {
    super(
      `The format of the file is not recognized. If the file has one of these formats, name it: ${IMPORT_FORMATS.join(', ')}`,
    );
  }
}
