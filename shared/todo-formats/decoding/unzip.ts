import { Unzip, type UnzipFile, UnzipInflate } from 'fflate';
import { MAX_IMPORT_BYTES } from '../../todo/limits.ts';
import { UnreadableFileError } from '../file-errors.ts';

export type ZipEntry = { readonly name: string; readonly bytes: Uint8Array };

const FILE_HEADER = Buffer.from('PK\x03\x04', 'latin1');
/** The end of central directory record. */
const END_RECORD = Buffer.from('PK\x05\x06', 'latin1');

/** One piece can grow to 1,032 times its size before its size is checked. */
const PIECE_BYTES = 4096;
const MAX_ENTRIES = 10_000;

/** Whether a file begins as a zip archive, which may be empty. */
export function isZip(bytes: Uint8Array): boolean {
  return [FILE_HEADER, END_RECORD].some((signature) => signature.equals(bytes.subarray(0, signature.length)));
}

/**
 * Reads the wanted entries of a zip archive, in its order. It counts the bytes that come out instead of trusting the sizes in
 * the archive: a zip bomb can state any size.
 * @throws {UnreadableFileError} when the archive is damaged, or the wanted entries are too large.
 */
export function unzip(archive: Uint8Array, isWanted: (name: string) => boolean): ZipEntry[] {
  if (!hasEnd(archive)) throw damaged();
  const entries: { name: string; chunks: Uint8Array[]; complete: boolean }[] = [];
  let count = 0;
  let size = 0;

  const reader = new Unzip((file) => {
    count += 1;
    if (count > MAX_ENTRIES)
      throw new UnreadableFileError(`The zip archive has more than ${MAX_ENTRIES} files. ${UNPACK}`);
    const name = decodeName(file.name);
    if (isWanted(name)) collect(file, name);
  });
  reader.register(UnzipInflate);

  try {
    for (let start = 0; start < archive.length; start += PIECE_BYTES) {
      const end = start + PIECE_BYTES;
      reader.push(archive.subarray(start, end), end >= archive.length);
    }
  } catch (error) {
    if (error instanceof UnreadableFileError) throw error;
    throw damaged(error);
  }
  if (entries.some((entry) => !entry.complete)) throw damaged();
  return entries.map(({ name, chunks }) => ({ name, bytes: Buffer.concat(chunks) }));

  function collect(file: UnzipFile, name: string): void {
    const entry = { name, chunks: [] as Uint8Array[], complete: false };
    entries.push(entry);
    file.ondata = (error, chunk, final) => {
      // fflate also passes on what this function has thrown
      if (error) throw error;
      size += chunk.length;
      if (size > MAX_IMPORT_BYTES) throw tooLarge();
      entry.chunks.push(chunk);
      entry.complete = final;
    };
    file.start();
  }
}

/** What to do with an archive that is not read. */
export const UNPACK = 'Unpack it, and import its files one by one';

function damaged(cause?: unknown): UnreadableFileError {
  return new UnreadableFileError('The zip archive is damaged or encrypted. Export it again', { cause });
}

function tooLarge(): UnreadableFileError {
  return new UnreadableFileError(`The files in the zip archive have more than ${MAX_IMPORT_BYTES} bytes. ${UNPACK}`);
}

/** What the end of central directory record needs with its comment. */
const MAX_END_BYTES = 22 + 65_535;

/** Whether an archive is whole. One that was cut between two files would lose the later ones: a stream shows no fault. */
function hasEnd(archive: Uint8Array): boolean {
  return Buffer.from(archive.subarray(-MAX_END_BYTES)).includes(END_RECORD);
}

/** fflate reads a name as Latin-1 unless the archive says that it is UTF-8. Some programs write UTF-8 and do not say so. */
function decodeName(name: string): string {
  if (!/^[\0-\xff]*$/.test(name)) return name;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(name, 'latin1'));
  } catch {
    return name;
  }
}
