import { UsageError } from './command-line/command.ts';

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);

/**
 * Parses a duration such as 90s, 30m, 24h or 7d. A number without a unit is in `bareUnit`.
 * @returns seconds.
 * @throws {UsageError} with the message `problem`.
 */
export function parseDuration(text: string, { bareUnit, problem }: { bareUnit: 's' | 'h'; problem: string }): number {
  const [, count, unit = bareUnit] = /^(\d+)([smhd])?$/.exec(text) ?? [];
  const factor = UNIT_SECONDS.get(unit);
  if (count === undefined || factor === undefined) throw new UsageError(problem);
  return Number(count) * factor;
}
