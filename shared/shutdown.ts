import { setTimeout as delay } from 'node:timers/promises';

/** How a process stops. The readiness of its services fails from the signal on, while they still answer. */
export type Shutdown = {
  /** A readiness check (`ReadinessChecks`). It rejects with `ShutdownError` once the process has begun to stop. */
  readonly check: () => Promise<void>;
  /** Whether the process has begun to stop. */
  readonly hasBegun: () => boolean;
  /** Begins the shutdown. Resolves after the delay, or at once when a person stops the process with Ctrl-C (SIGINT). */
  readonly begin: (signal: NodeJS.Signals) => Promise<void>;
  /** Sets for how many seconds the services go on after SIGTERM, so that load balancers can see that they are not ready. */
  readonly delayFor: (seconds: number) => void;
};

/** The process stops: it is not ready for new requests. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';
}

/** Creates the shutdown of a process, without a delay until one is set. */
export function createShutdown(): Shutdown {
  let seconds = 0;
  let hasBegun = false;
  return {
    async check() {
      if (hasBegun) throw new ShutdownError('the process is stopping');
    },
    hasBegun: () => hasBegun,
    async begin(signal) {
      hasBegun = true;
      if (signal === 'SIGTERM' && seconds > 0) await delay(seconds * 1000);
    },
    delayFor(given) {
      seconds = given;
    },
  };
}
