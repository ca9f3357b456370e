/** Runs `task` when fewer than the limit of tasks with this key run. The others wait in the order in which they came. */
export type KeyedSemaphore = <T>(key: string, task: () => Promise<T>) => Promise<T>;

type Tasks = { running: number; readonly waiting: (() => void)[] };

/** Creates a semaphore for each key: at most `limit` tasks with the same key run at the same time. */
export function createKeyedSemaphore(limit: number): KeyedSemaphore {
  const tasks = new Map<string, Tasks>();
  return async (key, task) => {
    const ofKey = tasks.get(key) ?? { running: 0, waiting: [] };
    tasks.set(key, ofKey);
    // a task that ends hands its place to the first one that waits
    if (ofKey.running >= limit) await new Promise<void>((resolve) => ofKey.waiting.push(resolve));
    else ofKey.running += 1;
    try {
      return await task();
    } finally {
      const next = ofKey.waiting.shift();
      if (next !== undefined) next();
      else {
        ofKey.running -= 1;
        if (ofKey.running === 0) tasks.delete(key);
      }
    }
  };
}
