import { IMPORT_FORMATS } from './import-formats.ts';

/** The file is damaged, or it is no file of its format. The message says where, what is wrong and what to do. */
export class UnreadableFileError extends Error {
  override name = 'UnreadableFileError';
}

/** Outlook names the columns in its own language. */
export const ENGLISH_COLUMNS =
  'If Outlook exported it in another language, give the columns in the first row their English names: Subject, Due Date, Date Completed, Start Date, Reminder On/Off, % Complete, Categories, Notes, Priority, Status';

/** The content does not show which format the file has. */
export class UnknownFormatError extends Error {
  override name = 'UnknownFormatError';

  constructor({ isCsv }: { isCsv: boolean }) {
    super(
      [
        'The format of the file is not recognized.',
        ...(isCsv ? [`It is CSV with other column names. ${ENGLISH_COLUMNS}.`] : []),
        `If the file has one of these formats, name it: ${IMPORT_FORMATS.join(', ')}`,
      ].join(' '),
    );
  }
}
