import { type DayOrTime, findDay, findLocalTime, parseDay, toTime } from '../../local-time.ts';
import { parseTime } from '../decoding/parse-time.ts';
import { findMonth } from './month-names.ts';

/** Words between the parts of a date, such as `5 de marzo a las 17:00`. */
const FILLERS: ReadonlySet<string> = new Set(
  'at on of the um am den le à a las los el de del du il alle ore om op kl klo den o às dia dnia w v ve в г г. saat uhr'.split(
    ' ',
  ),
);
const MAX_CHARACTERS = 60;

type DateParts = {
  day?: number;
  month?: number;
  year?: number;
  clock?: { readonly hour: number; readonly minute: number };
};

/** Reads a due date as a person wrote it in Todoist. Returns undefined for one that is not a single day or time. */
export function parseTodoistDate(
  text: string,
  { language, zone, today }: { language: string; zone: string; today: string },
): DayOrTime | undefined {
  const exact = parseTime(text, zone);
  if (exact) return exact;
  const parts = text.length <= MAX_CHARACTERS ? readParts(text, language) : undefined;
  if (parts?.day === undefined || parts.month === undefined) return undefined;

  const { clock, day, month, year = Number(today.slice(0, 4)) } = parts;
  if (clock === undefined) {
    const found = findDay({ year, month, day });
    return found === undefined ? undefined : { kind: 'day', day: found };
  }
  const local = findLocalTime({ year, month, day, ...clock });
  const time = local && toTime(local, zone);
  return time === undefined ? undefined : { kind: 'time', time };
}

/** Returns undefined if a word is no part of a date, or if a part comes twice. */
function readParts(text: string, language: string): DateParts | undefined {
  const words = separateAsianParts(text.normalize('NFC').toLowerCase())
    .replaceAll(/(\d)\s+(am|pm)\b/g, '$1$2')
    .split(/[\s,]+/)
    .filter((word) => word !== '' && !FILLERS.has(word));
  const parts: DateParts = {};
  for (const word of words) {
    const part = readWord(word, language);
    if (part === undefined || Object.keys(part).some((key) => Object.hasOwn(parts, key))) return undefined;
    Object.assign(parts, part);
  }
  return parts;
}

function readWord(word: string, language: string): DateParts | undefined {
  const clock = readClock(word);
  if (clock) return { clock };
  const day = parseDay(word);
  if (day) return { year: Number(day.slice(0, 4)), month: Number(day.slice(5, 7)), day: Number(day.slice(8)) };
  const numeric = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(word);
  if (numeric) return { day: Number(numeric[1]), month: Number(numeric[2]), year: Number(numeric[3]) };
  const named = /^month(\d{1,2})$/.exec(word);
  if (named) return { month: Number(named[1]) };
  if (/^\d{4}\.?$/.test(word)) return { year: Number.parseInt(word, 10) };
  if (/^\d{1,2}(?:\.|st|nd|rd|th|er|e|º|°)?$/.test(word)) return { day: Number.parseInt(word, 10) };
  const month = findMonth(word, language);
  return month === undefined ? undefined : { month };
}

function readClock(word: string): DateParts['clock'] {
  const [, hours, minutes, half] =
    /^(\d{1,2})(?:[:h](\d\d)?(?::00)?)(am|pm)?$/.exec(word) ?? /^(\d{1,2})()(am|pm)$/.exec(word) ?? [];
  if (hours === undefined) return undefined;
  const hour = Number(hours);
  if (half !== undefined && (hour < 1 || hour > 12)) return undefined;
  return { hour: half === undefined ? hour : (hour % 12) + (half === 'pm' ? 12 : 0), minute: Number(minutes || '0') };
}

/** `2027年3月5日` and `3월 5일` have no names of months. */
function separateAsianParts(text: string): string {
  return text
    .replaceAll(/(\d{4})\s?[年년]/g, '$1 ')
    .replaceAll(/(\d{1,2})\s?[月월]/g, 'month$1 ')
    .replaceAll(/(\d{1,2})\s?[日일号]/g, '$1 ');
}
