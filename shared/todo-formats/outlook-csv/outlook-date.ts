import { findDay } from '../../local-time.ts';

/** A day, or the words of a date that is none. Neither if there is no date. */
type OutlookDate = { readonly day?: string; readonly words?: string };
export type ReadOutlookDate = (text: string) => OutlookDate;

const DATE = /^(\d{1,4})([./-])\s?(\d{1,2})\2\s?(\d{1,4})\.?(?:\s.*)?$/s;

/** What Outlook writes for "no date" in some languages and versions. */
const NO_DATE = /^(?:0{1,2}[./-]0{1,2}[./-]0{1,4}|none|1[./-]1[./-]4501)?$/i;

/**
 * Creates a reader for the dates of one file. Their order is the one of the computer that wrote them: a first part over 12 is a
 * day, and so is a second part over 12.
 */
export function createOutlookDates(dates: readonly string[]): ReadOutlookDate {
  const dayIsFirst = findOrder(dates);

  return (text) => {
    const trimmed = text.trim();
    if (NO_DATE.test(trimmed)) return {};
    const [, first = '', separator, second = '', third = ''] = DATE.exec(trimmed) ?? [];
    const day =
      first.length > 2
        ? findDay({ year: Number(first), month: Number(second), day: Number(third) })
        : separator === '.' || dayIsFirst
          ? findDay({ year: toYear(third), month: Number(second), day: Number(first) })
          : findDay({ year: toYear(third), month: Number(first), day: Number(second) });
    return day === undefined ? { words: trimmed } : { day };
  };
}

function findOrder(dates: readonly string[]): boolean {
  for (const date of dates) {
    const [, first = '', separator, second = ''] = DATE.exec(date.trim()) ?? [];
    if (separator === '.' || first.length > 2) continue;
    if (Number(first) > 12) return true;
    if (Number(second) > 12) return false;
  }
  return false;
}

function toYear(text: string): number {
  return text.length <= 2 ? 2000 + Number(text) : Number(text);
}
