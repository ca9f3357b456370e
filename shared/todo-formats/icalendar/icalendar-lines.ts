import { decodeText, findUtf16 } from '../decoding/decode-text.ts';

/** A line of a calendar without its folds, and the number of its first line in the file. */
export type CalendarLine = { readonly number: number; readonly text: string };

/**
 * Unfolds the lines of an iCalendar file (RFC 5545 §3.1). A fold can cut a character in two, so the bytes are unfolded before
 * they are decoded.
 */
export function readCalendarLines(bytes: Uint8Array): CalendarLine[] {
  const isWide = findUtf16(bytes) !== undefined;
  const source = isWide ? Buffer.from(decodeText(bytes)) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

  // Latin-1 keeps every byte as one character
  const lines: { number: number; parts: string[] }[] = [];
  for (const [index, line] of source.toString('latin1').split(/\r?\n/).entries()) {
    const last = lines.at(-1);
    if (/^[ \t]/.test(line) && last) last.parts.push(line.slice(1));
    else if (line !== '') lines.push({ number: index + 1, parts: [line] });
  }
  const unfolded = Buffer.from(lines.map(({ parts }) => parts.join('')).join('\n'), 'latin1');
  const decoded = decodeText(unfolded, (index) => lines[index]?.number ?? 0).split('\n');
  return lines.map(({ number }, index) => ({ number, text: decoded[index] ?? '' }));
}
