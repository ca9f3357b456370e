/** The formats of other programs that can be read, by the names that a user gives. */
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
