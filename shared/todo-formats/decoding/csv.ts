import { CsvError, type Options, parse } from 'csv-parse/sync';
import { UnreadableFileError } from '../file-errors.ts';

/** Where the names of the columns are, and what separates the cells. */
export type CsvHeader = { readonly delimiter: string; readonly index: number; readonly columns: readonly string[] };

/** Returns the cell of a column, or an empty text if the row has none. */
export type CsvRow = (column: string) => string;

/** Excel writes `;` where the comma is a decimal sign. */
const DELIMITERS = [',', ';', '\t'] as const;
const HEADER_CHARACTERS = 65_536;
const MAX_ROWS = 200_000;

/** Finds a record with all of these columns among the first records of a text. */
export function findCsvHeader(
  text: string,
  { columns, firstRecords = 1 }: { columns: readonly string[]; firstRecords?: number },
): CsvHeader | undefined {
  const start = text.slice(0, HEADER_CHARACTERS);
  for (const delimiter of DELIMITERS) {
    const records = readFirstRecords(start, { delimiter, to: firstRecords });
    const index = records.findIndex((record) => columns.every((column) => record.includes(column)));
    const header = records[index];
    if (header) return { delimiter, index, columns: header };
  }
  return undefined;
}

/** Whether a text begins with two records of the same four or more cells: it is CSV, whatever its columns are. */
export function isCsv(text: string): boolean {
  const start = text.slice(0, HEADER_CHARACTERS);
  return DELIMITERS.some((delimiter) => {
    const [header, row] = readFirstRecords(start, { delimiter, to: 2 });
    return header !== undefined && header.length >= 4 && header.length === row?.length;
  });
}

/** Reads the rows below the header, without empty ones. */
export function readCsvRows(text: string, { delimiter, index, columns }: CsvHeader): CsvRow[] {
  const places = new Map<string, number>();
  for (const [place, column] of columns.entries()) if (!places.has(column)) places.set(column, place);
  return parseRecords(text, delimiter)
    .slice(index + 1)
    .filter((record) => record.some((cell) => cell.trim() !== ''))
    .map((record) => (column) => record[places.get(column) ?? -1] ?? '');
}

/** The records before the first one that is broken: the header may stand before it. */
function readFirstRecords(text: string, options: { delimiter: string; to: number }): string[][] {
  const records: string[][] = [];
  readUntilFault(text, options, (record) => records.push(record.map((cell) => cell.trim())));
  return records;
}

/** Calls `read` with each record, and the number of bytes before the next one, until a record is broken. */
function readUntilFault(
  text: string,
  options: { delimiter: string; to?: number },
  read: (record: readonly string[], bytes: number) => void,
): void {
  const keep: Options['on_record'] = (record, { bytes }) => {
    read(record, bytes);
    return null;
  };
  try {
    parse(text, { ...OPTIONS, ...options, on_record: keep });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
  }
}

function parseRecords(text: string, delimiter: string): string[][] {
  let records: string[][];
  try {
    records = parse(text, { ...OPTIONS, delimiter, to: MAX_ROWS + 1 });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw broken(text, delimiter, error);
  }
  if (records.length <= MAX_ROWS) return records;
  throw new UnreadableFileError(`The file has more than ${MAX_ROWS} rows. Split it, and import the parts`);
}

/** csv-parse names the last line of the file when a quotation mark has no end. This finds the row. */
function broken(text: string, delimiter: string, cause: CsvError): UnreadableFileError {
  let start = 0;
  readUntilFault(text, { delimiter }, (_record, bytes) => {
    start = bytes;
  });
  const rest = Buffer.from(text).subarray(start).toString().trimStart();
  const line = text.slice(0, text.length - rest.length).split(/\r\n?|\n/).length;
  const fault =
    cause.code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quotation mark in this row has no end' : 'this is no row of CSV';
  return new UnreadableFileError(`Line ${line}: ${fault}. Correct the row, or export the file again`, { cause });
}

const OPTIONS = {
  // a file may mix them, since a cell keeps the line ends of its author
  record_delimiter: ['\r\n', '\n', '\r'],
  // rows may be shorter than the header
  relax_column_count: true,
  // `2" nails` is a quotation mark that was not escaped by hand
  relax_quotes: true,
  skip_empty_lines: true,
  max_record_size: 0,
} satisfies Options;
