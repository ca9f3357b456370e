/** The formats of other programs in which todos can be written. */
export const WRITTEN_FORMATS = ['todotxt', 'icalendar', 'markdown'] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

/** The formats of an export: JSON Lines as the todo API sends them, and those of other programs. */
export const EXPORT_FORMATS = ['jsonl', ...WRITTEN_FORMATS] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
