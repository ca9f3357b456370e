import type { Context } from 'koa';

/** The longest wait, whatever the client asks for: proxies close a connection that is silent for 60 s. */
const MAX_WAIT_MS = 55_000;

/** Requests that wait for a change. */
export type Waiting = {
  /**
   * Waits until `condition` holds, at most as long as the request prefers: `Prefer: wait=25` (RFC 7240 §4.3). The
   * condition is checked at once and after each `wake`. A request that prefers no wait, or whose client disconnects,
   * continues at once.
   */
  readonly waitUntil: (condition: () => boolean, ctx: Context) => Promise<void>;
  /** The number of waiting requests. */
  readonly count: () => number;
  /** Checks the condition of every waiting request. */
  readonly wake: () => void;
  /** Ends every wait, now and in future. */
  readonly end: () => void;
};

/** Creates a set of waiting requests. */
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
        const check = () => {
          if (condition() || ended) finish();
        };
        const finish = () => {
          clearTimeout(deadline);
          waiting.delete(check);
          resolve();
        };
        const deadline = setTimeout(finish, milliseconds);
        ctx.res.once('close', finish);
        waiting.add(check);
      });
    },
    count: () => waiting.size,
    wake: checkAll,
    end() {
      ended = true;
      checkAll();
    },
  };

  function checkAll(): void {
    for (const check of [...waiting]) check();
  }
}

function preferredWait(ctx: Context): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(ctx.get('prefer'))?.[1] ?? '0';
  return Math.min(Number(seconds) * 1000, MAX_WAIT_MS);
}
