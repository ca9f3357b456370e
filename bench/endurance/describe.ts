import type { LoadProgress, LoadVerdict } from '../../test/support/enduring-load.ts';
import { percentile99 } from '../statistics.ts';

/** Describes what a load has done, in lines of text. */
export function describeProgress({
  succeeded,
  failures,
  wronglyAccepted,
  rejected,
  confirmationMs,
}: LoadProgress): readonly string[] {
  const total = [...succeeded.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...succeeded].map(([kind, count]) => `${count} × ${kind}`).join(', ');
  const confirmed = [...confirmationMs].sort((a, b) => a - b);
  return [
    `succeeded: ${total} (${kinds})`,
    `revoked tokens used again: ${rejected()} × 401, ${wronglyAccepted.length} accepted`,
    ...wronglyAccepted.slice(0, 10).map((line) => `  ACCEPTED ${line}`),
    confirmed.length === 0
      ? 'no revocation was confirmed'
      : `confirmed by every process: ${confirmed.length} revocations, median ${milliseconds(confirmed[Math.floor(confirmed.length / 2)])}, p99 ${milliseconds(percentile99(confirmed))}, longest ${milliseconds(confirmed.at(-1))}`,
    `failures: ${[...failures.values()].reduce((sum, { count }) => sum + count, 0)}`,
    ...[...failures].map(([reason, { count, first, last }]) => `  ${count} × ${reason} (${first} to ${last})`),
  ];
}

/** Describes the end of a load, in lines of text. */
export function describeVerdict({ lost, feedProblems, acknowledged }: LoadVerdict): readonly string[] {
  return [
    `acknowledged writes: ${acknowledged}, lost: ${lost.length}; problems of the change feeds: ${feedProblems.length}`,
    ...[...lost, ...feedProblems].slice(0, 20).map((line) => `  ${line}`),
  ];
}

function milliseconds(value = Number.NaN): string {
  return `${Math.round(value)} ms`;
}
