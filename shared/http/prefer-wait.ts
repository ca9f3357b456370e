import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';

/** The longest wait, whatever the client asks for: proxies close a connection that is silent for 60 s. */
const MAX_WAIT_MS = 55_000;

/**
 * Requests that share a limit: at most `limit` requests of the group with this name wait at the same time. A further one
 * continues after `surplusWaitMs` milliseconds (by default at once), so that a client that repeats it does not do so again and
 * again in a second.
 */
export type WaitGroup = { readonly name: string; readonly limit: number; readonly surplusWaitMs?: number };

/** Requests that wait for a change. */
export type Waiting = {
  /**
   * Waits until `condition` holds, at most as long as the request prefers: `Prefer: wait=25` (RFC 7240 §4.3). The
   * condition is checked at once and after each `wake`. A request that prefers no wait, or whose client
   * disconnects, continues at once; for one whose group is full see `WaitGroup`. `Preference-Applied` in the response says that
   * the request may have waited for the condition.
   * @param milliseconds how long to wait, where the server and not the request decides.
   */
  readonly waitUntil: (
    condition: () => boolean,
    ctx: Context,
    group?: WaitGroup,
    milliseconds?: number,
  ) => Promise<void>;
  /** The number of waiting requests, of one group or of all. */
  readonly count: (group?: string) => number;
  /** The names of the groups of which requests wait. */
  readonly groups: () => string[];
  /** Checks the condition of every waiting request. */
  readonly wake: () => void;
  /** Ends every wait, now and in future. */
  readonly end: () => void;
};

/** Creates a set of waiting requests. */
export function createWaiting(): Waiting {
  const waiting = new Set<() => void>();
  const waitingOf = new Map<string, number>();
  let ended = false;

  return {
    async waitUntil(condition, ctx, group, given) {
      const milliseconds = given ?? preferredWait(ctx);
      if (milliseconds === 0) return;
      if (group !== undefined && isFull(group)) {
        const { surplusWaitMs = 0 } = group;
        if (surplusWaitMs > 0 && !ended) await delay(Math.min(milliseconds, surplusWaitMs));
        return;
      }
      if (given === undefined) ctx.set('preference-applied', 'wait');
      if (condition() || ended || ctx.res.closed) return;
      if (group !== undefined) count(group.name, 1);
      await new Promise<void>((resolve) => {
        const check = () => {
          if (condition() || ended) finish();
        };
        const finish = () => {
          clearTimeout(deadline);
          ctx.res.off('close', finish);
          waiting.delete(check);
          resolve();
        };
        const deadline = setTimeout(finish, milliseconds);
        ctx.res.once('close', finish);
        waiting.add(check);
      });
      if (group !== undefined) count(group.name, -1);
    },
    count: (group) => (group === undefined ? waiting.size : (waitingOf.get(group) ?? 0)),
    groups: () => [...waitingOf.keys()],
    wake: checkAll,
    end() {
      ended = true;
      checkAll();
    },
  };

  function checkAll(): void {
    for (const check of [...waiting]) check();
  }

  function isFull({ name, limit }: WaitGroup): boolean {
    return (waitingOf.get(name) ?? 0) >= limit;
  }

  function count(group: string, difference: 1 | -1): void {
    const current = (waitingOf.get(group) ?? 0) + difference;
    if (current === 0) waitingOf.delete(group);
    else waitingOf.set(group, current);
  }
}

/** Whether a request prefers to wait. */
export function prefersWait(ctx: Context): boolean {
  return preferredWait(ctx) > 0;
}

function preferredWait(ctx: Context): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(ctx.get('prefer'))?.[1] ?? '0';
  return Math.min(Number(seconds) * 1000, MAX_WAIT_MS);
}
