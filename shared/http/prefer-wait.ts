import type { Context } from 'koa';

/** Milliseconds that a request waits at the most, whatever it asks for: proxies end a connection that is silent longer. */
const LONGEST_WAIT = 55_000;

/** Requests that wait until something changes. */
export type Waiting = {
  /**
   * Waits until `condition` holds, for as long as the request prefers: `Prefer: wait=25` (RFC 7240 §4.3). It is asked
   * at once and after each `wake`. A request that does not ask to wait, or hangs up, goes on at once.
   */
  readonly waitUntil: (condition: () => boolean, ctx: Context) => Promise<void>;
  /** How many requests wait. */
  readonly count: () => number;
  /** Something changed. */
  readonly wake: () => void;
  /** Lets everybody go on, now and later. */
  readonly end: () => void;
};

/** Creates a place to wait. */
export function createWaiting(): Waiting {
  const waiting = new Set<() => void>();
  let ended = false;

  return {
    async waitUntil(condition, ctx) {
      const milliseconds = preferredWait(ctx);
      if (milliseconds === 0) return;
      ctx.set('preference-applied', 'wait');
      if (condition() || ended || ctx.res.closed) return;
      await new Promise<void>((resolve) => {
        const look = () => {
          if (condition() || ended) goOn();
        };
        const goOn = () => {
          clearTimeout(deadline);
          waiting.delete(look);
          resolve();
        };
        const deadline = setTimeout(goOn, milliseconds);
        ctx.res.once('close', goOn);
        waiting.add(look);
      });
    },
    count: () => waiting.size,
    wake: lookAll,
    end() {
      ended = true;
      lookAll();
    },
  };

  function lookAll(): void {
    for (const look of [...waiting]) look();
  }
}

function preferredWait(ctx: Context): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(ctx.get('prefer'))?.[1] ?? '0';
  return Math.min(Number(seconds) * 1000, LONGEST_WAIT);
}
