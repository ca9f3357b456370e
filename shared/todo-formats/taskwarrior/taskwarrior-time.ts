import { formatTime, toInstant, toLocalTime } from '../../local-time.ts';
import { parseTime } from '../decoding/parse-time.ts';

/** Reads `20261205T230000Z`, which is always UTC, or the seconds since 1970, which `task import` accepts as well. */
export function findTaskwarriorTime(value: unknown, zone: string): string | undefined {
  if (typeof value === 'number') return formatSeconds(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return /^\d{9,11}$/.test(text) ? formatSeconds(Number(text)) : toInstant(parseTime(text, zone), zone);
}

/** Whether an instant is the first or the last second of a day in the zone. */
export function isDayBoundary(time: string, zone: string): boolean {
  const clock = toLocalTime(time, zone).toPlainTime().toString({ smallestUnit: 'second' });
  return clock === '00:00:00' || clock === '23:59:59';
}

function formatSeconds(seconds: number): string | undefined {
  return formatTime(seconds * 1000);
}
