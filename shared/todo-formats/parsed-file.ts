import type { ForeignTodo } from './foreign-todo.ts';
import type { FormatName } from './import-formats.ts';

/** The todos of a file, in its order, and what the import loses: a kind of thing, and the number of todos that have it. */
export type ParsedFile = {
  readonly format: FormatName;
  readonly todos: readonly ForeignTodo[];
  readonly notKept: readonly { readonly what: string; readonly count: number }[];
};

/** What a file does not say, but the import does. */
export type ImportContext = {
  /** The IANA name of the time zone for times of a file that names none. */
  readonly timeZone: string;
  /** The day of the import, for dates without a year. */
  readonly today: string;
};
