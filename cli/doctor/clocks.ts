import { CLOCK_TOLERANCE_SECONDS } from '../../shared/resource-server/access-token-claims.ts';
import type { Answer } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding, LinkNotTriedError } from './chain.ts';

/** A clock, and by how many seconds it is ahead of this machine's. */
export type Clock = { readonly whose: string; readonly ahead: number };

const CONSEQUENCE = `more than ${CLOCK_TOLERANCE_SECONDS} s apart, access tokens are refused as not yet valid or as expired.`;

/**
 * Compares the clocks that decide when an access token begins and ends.
 * @param issuedAt the access token's `iat`, which the authorization server took from a clock of its own.
 */
export function examineClocks(clocks: {
  resourceServer: Clock | undefined;
  authorizationServer: Clock | undefined;
  issuedAt: Clock | undefined;
}): Finding {
  const { resourceServer, authorizationServer = clocks.issuedAt, issuedAt } = clocks;
  const others = [resourceServer, authorizationServer].filter((clock) => clock !== undefined);
  if (others.length === 0)
    throw new LinkNotTriedError(
      'no server says what time it has',
      'Let the servers, or the proxy, send a Date header.',
    );
  const all = [THIS_MACHINE, ...others].toSorted((one, other) => one.ahead - other.ahead);
  // of three clocks the one in the middle is right; of two nobody knows
  const { ahead: middle } = all[1] ?? THIS_MACHINE;
  const wrong = all.find((clock) => Math.abs(clock.ahead - middle) > CLOCK_TOLERANCE_SECONDS);
  if (wrong !== undefined && all.length === 2)
    throw new BrokenLinkError(
      `the clocks of ${all[0]?.whose} and ${all[1]?.whose} are ${seconds(wrong.ahead - middle)} apart`,
      `Set both by NTP: ${CONSEQUENCE}`,
    );
  if (wrong !== undefined)
    throw new BrokenLinkError(
      `the clock of ${wrong.whose} is ${seconds(wrong.ahead - middle)} ${wrong.ahead > middle ? 'ahead of' : 'behind'} the others`,
      `Set the clock of ${wrong.whose} by NTP: ${CONSEQUENCE}`,
    );
  if (authorizationServer !== undefined && issuedAt !== undefined) compare(issuedAt, authorizationServer);
  return { found: undefined, detail: `no clock is more than ${CLOCK_TOLERANCE_SECONDS} s from another` };
}

const THIS_MACHINE: Clock = { whose: 'this machine', ahead: 0 };

function compare(issuedAt: Clock, authorizationServer: Clock): void {
  const apart = issuedAt.ahead - authorizationServer.ahead;
  if (Math.abs(apart) <= CLOCK_TOLERANCE_SECONDS) return;
  throw new BrokenLinkError(
    `the access token says that it was issued (iat) ${seconds(apart)} ${apart > 0 ? 'after' : 'before'} it was`,
    `Set the clock that the authorization server takes iat from by NTP: ${CONSEQUENCE}`,
  );
}

/** Reads the clock of whoever answered from the Date header; undefined when there is none. */
export function readClock(
  whose: string,
  { headers, askedAt, answeredAt }: Omit<Answer, 'url' | 'status' | 'text'>,
): Clock | undefined {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return undefined;
  // a cache sends the time at which it got the answer, and how long ago that was (RFC 9111 §5.1)
  const age = Number(headers.get('age') ?? 0) * 1000 || 0;
  return { whose, ahead: ahead(date + age, askedAt, answeredAt) };
}

/** Seconds that a time, which is cut to the second, is ahead of the span in which it was taken; 0 within it. */
export function ahead(time: number, from: number, to: number): number {
  if (time > to) return (time - to) / 1000;
  if (time + 1000 < from) return (time + 1000 - from) / 1000;
  return 0;
}

function seconds(count: number): string {
  return `${Math.round(Math.abs(count))} s`;
}
