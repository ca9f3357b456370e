import { ServiceUnavailableError } from '../../../shared/http/http-error.ts';
import type { InContext } from '../../../shared/tracing/tracing.ts';
import type { GroupedWrite, Outcome, Write, WriteGroup } from './grouped-write.ts';

/** What a write needs beside its change. */
type QueueOptions = Pick<GroupedWrite, 'idempotency'> & {
  /** Called when the turn of the write has come. It throws to cancel the write. */
  readonly beforeWrite?: (() => Promise<unknown>) | undefined;
};

/** The writes that wait. Those of one owner are stored one after another, in the order in which they came. */
export type WriteQueue = {
  /**
   * Stores a write when the earlier writes of its owner have ended.
   * @throws {ServiceUnavailableError} `too_many_concurrent_writes` when that takes longer than `TIMEOUT_MS`.
   */
  readonly write: <T>(owner: string, write: Write<T>, options?: QueueOptions) => Promise<Outcome<T>>;
  /** Runs work on the list of an owner when the earlier writes have ended. Later writes wait for it. */
  readonly runExclusive: <T>(owner: string, work: () => Promise<T>) => Promise<T>;
  /** Resolves when no write waits or is being stored. */
  readonly idle: () => Promise<void>;
};

/** How long a write may wait for the earlier writes of its owner. It is checked when these have ended. */
const TIMEOUT_MS = 10_000;

/** Writes in a group. One owner alone has more, because they lock one list. */
const MAX_GROUP = 32;
const MAX_GROUP_OF_ONE_OWNER = 64;

/** A write of more todos is stored by itself, so that the small writes of other owners do not wait for it. */
const MAX_GROUPED_TODOS = 8;

/**
 * A group that takes longer than this on the embedded database is followed by a pause of its owners of the same length, so
 * that one owner uses at most half of its time. A batch of 50 long todos takes 300 ms.
 */
const LONG_GROUP_MS = 100;

/** The longest pause before a write tries again whose list another process holds. */
const MAX_RETRY_PAUSE_MS = 50;

type Waiting =
  | (GroupedWrite &
      QueueOptions & {
        readonly kind: 'grouped' | 'alone';
        readonly since: number;
        readonly inContext?: InContext | undefined;
      })
  | { readonly kind: 'exclusive'; readonly run: () => Promise<void> };

/** The tasks of one owner that wait. */
type OwnerQueue = { readonly tasks: Waiting[]; isBusy: boolean; isPausing: boolean; attempts: number };

/**
 * Creates the queue of writes.
 * @param limits how many groups are stored at the same time: in all, of small writes, and of a write by itself.
 * @param pauses whether an owner pauses after a long group.
 * @param captureContext remembers the request of a write. A group is stored in the context of its first write.
 */
export function createWriteQueue({
  writeGroup,
  limits,
  pauses,
  captureContext,
  timeoutMs = TIMEOUT_MS,
}: {
  writeGroup: WriteGroup;
  limits: { readonly all: number; readonly grouped: number; readonly alone: number };
  pauses: boolean;
  captureContext?: (() => InContext) | undefined;
  timeoutMs?: number;
}): WriteQueue {
  /** In the order in which the owners get their turn. */
  const queues = new Map<string, OwnerQueue>();
  let whenIdle: (() => void)[] = [];
  let [running, runningAlone, isStarting] = [0, 0, false];

  return {
    write: (owner, write, options = {}) =>
      new Promise((resolve, reject) => {
        enqueue(owner, {
          ...{ owner, write, ...options, reject },
          resolve: resolve as GroupedWrite['resolve'],
          kind: (write.todos ?? 1) > MAX_GROUPED_TODOS ? 'alone' : 'grouped',
          since: performance.now(),
          inContext: captureContext?.(),
        });
      }),
    runExclusive: (owner, work) =>
      new Promise((resolve, reject) => {
        enqueue(owner, { kind: 'exclusive', run: () => work().then(resolve, reject) });
      }),
    idle: () =>
      new Promise((resolve) => {
        whenIdle.push(resolve);
        start();
      }),
  };

  function enqueue(owner: string, task: Waiting): void {
    const queue = queues.get(owner) ?? { tasks: [], isBusy: false, isPausing: false, attempts: 0 };
    queues.set(owner, queue);
    queue.tasks.push(task);
    start();
  }

  /** Begins as many groups as may run, when every request that has arrived is in the queue. */
  function start(): void {
    if (isStarting) return;
    isStarting = true;
    setImmediate(() => {
      isStarting = false;
      while (running < limits.all) {
        const group = nextGroup();
        if (group.length === 0) break;
        void run(group);
      }
      if (queues.size === 0) {
        for (const resolve of whenIdle) resolve();
        whenIdle = [];
      }
    });
  }

  /** Takes the next tasks of owners whose earlier tasks have ended: either one task, or small writes of several owners. */
  function nextGroup(): [owner: string, task: Waiting][] {
    const ready = [...queues].filter(([, { isBusy, isPausing, tasks }]) => !isBusy && !isPausing && tasks.length > 0);
    const mayRunAlone = runningAlone < limits.alone;
    const mayRunGrouped = running - runningAlone < limits.grouped;
    const group: [string, Waiting][] = [];
    const share = Math.max(1, Math.floor(MAX_GROUP / ready.length));
    for (const [owner, queue] of ready) {
      const [first] = queue.tasks;
      if (first?.kind !== 'grouped') {
        if (first === undefined || group.length > 0 || !mayRunAlone) continue;
        take(owner, queue, 1);
        return [[owner, first]];
      }
      if (!mayRunGrouped) continue;
      if (group.length >= MAX_GROUP) break;
      const most = ready.length === 1 ? MAX_GROUP_OF_ONE_OWNER : Math.min(share, MAX_GROUP - group.length);
      const count = queue.tasks.slice(0, most).findIndex(({ kind }) => kind !== 'grouped');
      for (const task of take(owner, queue, count === -1 ? most : count)) group.push([owner, task]);
    }
    return group;
  }

  /** Takes the first tasks of an owner, who then goes to the end of the queue. */
  function take(owner: string, queue: OwnerQueue, count: number): Waiting[] {
    queue.isBusy = true;
    queues.delete(owner);
    queues.set(owner, queue);
    return queue.tasks.splice(0, count);
  }

  async function run(group: readonly [owner: string, task: Waiting][]): Promise<void> {
    const isAlone = group.some(([, { kind }]) => kind !== 'grouped');
    const startedAt = performance.now();
    running += 1;
    if (isAlone) runningAlone += 1;
    try {
      await Promise.all(group.flatMap(([, task]) => (task.kind === 'exclusive' ? [task.run()] : [])));
      const writes = group.flatMap(([, task]) => (task.kind === 'exclusive' ? [] : [task]));
      const decided = await Promise.all(writes.map(async (write) => ((await isWanted(write)) ? [write] : [])));
      const wanted = decided.flat();
      if (wanted.length === 0) return;
      const [{ inContext } = {}] = wanted;
      const notLocked = await (inContext?.(() => writeGroup(wanted)) ?? writeGroup(wanted));
      for (const [owner, own] of Map.groupBy(wanted, (write) => write.owner))
        if (notLocked.has(owner)) postpone(owner, own);
        else resetAttempts(owner);
    } finally {
      running -= 1;
      if (isAlone) runningAlone -= 1;
      release(new Set(group.map(([owner]) => owner)), performance.now() - startedAt);
      start();
    }
  }

  /** Puts writes back whose list another process holds. They try again after a pause, in which they hold no connection. */
  function postpone(owner: string, writes: readonly Extract<Waiting, { since: number }>[]): void {
    const queue = queues.get(owner);
    if (queue === undefined) return;
    queue.tasks.unshift(...writes);
    queue.attempts += 1;
    queue.isPausing = true;
    setTimeout(endPause, Math.min(2 ** queue.attempts, MAX_RETRY_PAUSE_MS), new Set([owner]));
  }

  function resetAttempts(owner: string): void {
    const queue = queues.get(owner);
    if (queue !== undefined) queue.attempts = 0;
  }

  function release(owners: ReadonlySet<string>, milliseconds: number): void {
    const pause = pauses && milliseconds > LONG_GROUP_MS ? milliseconds : 0;
    for (const owner of owners) {
      const queue = queues.get(owner);
      if (queue === undefined) continue;
      queue.isBusy = false;
      queue.isPausing ||= pause > 0;
      if (queue.tasks.length === 0 && !queue.isPausing) queues.delete(owner);
    }
    if (pause > 0) setTimeout(endPause, pause, owners);
  }

  function endPause(owners: ReadonlySet<string>): void {
    for (const owner of owners) {
      const queue = queues.get(owner);
      if (queue === undefined) continue;
      queue.isPausing = false;
      if (queue.tasks.length === 0 && !queue.isBusy) queues.delete(owner);
    }
    start();
  }

  /** Whether a write is still to be stored. Otherwise it is rejected. */
  async function isWanted({ since, beforeWrite, reject }: Extract<Waiting, { since: number }>): Promise<boolean> {
    try {
      if (performance.now() - since > timeoutMs)
        throw new ServiceUnavailableError(
          'too_many_concurrent_writes',
          'Too many concurrent writes for this subject. Retry in 1 s.',
        );
      await beforeWrite?.();
      return true;
    } catch (error) {
      reject(error);
      return false;
    }
  }
}
