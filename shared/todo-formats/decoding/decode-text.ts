import { isUtf8 } from 'node:buffer';
import { UnreadableFileError } from '../file-errors.ts';

/**
 * Decodes text. It is UTF-16 if its first bytes show that, or else UTF-8, or else windows-1252, which Excel writes.
 * @param lineNumber the number that an error gives a line, from its index.
 * @throws {UnreadableFileError} when it is UTF-8 with a damaged character: as windows-1252, every character would be wrong.
 */
export function decodeText(bytes: Uint8Array, lineNumber = (index: number) => index + 1): string {
  const damaged = findDamagedLine(bytes);
  if (damaged === undefined) return decodeRoughly(bytes);
  throw new UnreadableFileError(
    `Line ${lineNumber(damaged)}: a character is not valid UTF-8. Correct the line, or export the file again`,
  );
}

/** Decodes text to recognize its format, before its lines are known: a fold of iCalendar may cut a character in two. */
export function decodeRoughly(bytes: Uint8Array): string {
  return new TextDecoder(findUtf16(bytes) ?? (isUtf8(bytes) ? 'utf-8' : 'windows-1252')).decode(bytes);
}

/** Finds the first line with a damaged character in UTF-8. In windows-1252, hardly any bytes look like a character of it. */
function findDamagedLine(bytes: Uint8Array): number | undefined {
  if (findUtf16(bytes) !== undefined || isUtf8(bytes)) return undefined;
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const damaged = text.split('\ufffd');
  const whole = text.match(/[^\0-\x7f\ufffd]/gu)?.length ?? 0;
  return whole < damaged.length - 1 ? undefined : (damaged[0] ?? '').split('\n').length - 1;
}

/** Finds the byte order of UTF-16: by its mark, or by two characters of ASCII, with which every format begins. */
export function findUtf16([first, second, third, fourth]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if ((first === 0xff && second === 0xfe) || (first && second === 0 && third && fourth === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second && third === 0 && fourth)) return 'utf-16be';
  return undefined;
}
