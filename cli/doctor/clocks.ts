import { CLOCK_TOLERANCE_SECONDS } from '../../shared/resource-server/access-token-claims.ts';
import type { TextResponse } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding, SkippedLinkError } from './chain.ts';

/** A clock, and how many seconds it is ahead of the clock of this machine (negative: behind). */
export type Clock = { readonly owner: string; readonly secondsAhead: number };

const CONSEQUENCE = `When clocks differ by more than ${CLOCK_TOLERANCE_SECONDS} s, access tokens are rejected as not yet valid or as expired.`;

/**
 * Compares the clocks that decide when an access token is valid.
 * @param issuedAt the clock behind the `iat` of the access token. The authorization server may take it from another clock
 * than its Date header.
 */
export function checkClocks(clocks: {
  resourceServer: Clock | undefined;
  authorizationServer: Clock | undefined;
  issuedAt: Clock | undefined;
}): Finding {
  const { resourceServer, authorizationServer = clocks.issuedAt, issuedAt } = clocks;
  const servers = [resourceServer, authorizationServer].filter((clock) => clock !== undefined);
  if (servers.length === 0)
    throw new SkippedLinkError(
      'no response has a Date header',
      'Let the servers, or the proxy in front of them, send a Date header.',
    );
  const sorted = [THIS_MACHINE, ...servers].toSorted((one, other) => one.secondsAhead - other.secondsAhead);
  // of three clocks the middle one is taken as correct; of two either may be wrong
  const { secondsAhead: middle } = sorted[1] ?? THIS_MACHINE;
  const wrong = sorted.find(({ secondsAhead }) => Math.abs(secondsAhead - middle) > CLOCK_TOLERANCE_SECONDS);
  if (wrong !== undefined && sorted.length === 2)
    throw new BrokenLinkError(
      `the clocks of ${sorted[0]?.owner} and ${sorted[1]?.owner} differ by ${seconds(wrong.secondsAhead - middle)}`,
      `Synchronize both clocks with NTP. ${CONSEQUENCE}`,
    );
  if (wrong !== undefined)
    throw new BrokenLinkError(
      `the clock of ${wrong.owner} is ${seconds(wrong.secondsAhead - middle)} ${wrong.secondsAhead > middle ? 'ahead of' : 'behind'} the other clocks`,
      `Synchronize the clock of ${wrong.owner} with NTP. ${CONSEQUENCE}`,
    );
  if (authorizationServer !== undefined && issuedAt !== undefined) checkIssuedAt(issuedAt, authorizationServer);
  return { value: undefined, detail: `the clocks differ by ${CLOCK_TOLERANCE_SECONDS} s or less` };
}

const THIS_MACHINE: Clock = { owner: 'this machine', secondsAhead: 0 };

function checkIssuedAt(issuedAt: Clock, authorizationServer: Clock): void {
  const difference = issuedAt.secondsAhead - authorizationServer.secondsAhead;
  if (Math.abs(difference) <= CLOCK_TOLERANCE_SECONDS) return;
  throw new BrokenLinkError(
    `the iat of the access token is ${seconds(difference)} ${difference > 0 ? 'after' : 'before'} the time at which it was issued`,
    `Synchronize the clock from which the authorization server takes iat with NTP. ${CONSEQUENCE}`,
  );
}

/** Reads a server's clock from the Date header of a response; undefined when there is none. */
export function readClock(
  owner: string,
  { headers, sentAt, receivedAt }: Pick<TextResponse, 'headers' | 'sentAt' | 'receivedAt'>,
): Clock | undefined {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return undefined;
  // a cache sends the Date of the response that it stored, and the seconds since then as Age (RFC 9111 §5.1)
  const age = Number(headers.get('age') ?? 0) * 1000 || 0;
  return { owner, secondsAhead: secondsAhead(date + age, sentAt, receivedAt) };
}

/**
 * Returns how many seconds `time` is ahead of the period in which it was read; negative when it is behind, 0 within the
 * period. `time` was cut to a whole second by its sender, so up to a second behind counts as within.
 */
export function secondsAhead(time: number, from: number, to: number): number {
  if (time > to) return (time - to) / 1000;
  if (time + 1000 < from) return (time + 1000 - from) / 1000;
  return 0;
}

function seconds(count: number): string {
  return `${Math.round(Math.abs(count))} s`;
}
