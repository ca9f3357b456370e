import { IMPORT_FORMATS } from './import-formats.ts';

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
