/** The time of the database as a process knows it: its clock may differ from that of the database server. */
export type DatabaseClock = {
  /** The time in milliseconds since 1970. Before the first `set` it is 0. */
  readonly now: () => number;
  /** Sets the time that the database has just returned. */
  readonly set: (now: number) => void;
};

/** Creates the clock. `monotonicNow` counts milliseconds, and is not changed when the clock of the machine is set. */
export function createDatabaseClock(monotonicNow: () => number = () => performance.now()): DatabaseClock {
  let known = { now: 0, at: 0 };
  return {
    now: () => (known.now === 0 ? 0 : Math.floor(known.now + monotonicNow() - known.at)),
    set(now) {
      known = { now, at: monotonicNow() };
    },
  };
}
