/**
 * Runs `task` when fewer than the limit of tasks with this key run. The others wait in the order in which they came. After a
 * result that `isLarge`, only one task with this key runs at a time, until one has a smaller result.
 */
export type KeyedSemaphore = <T>(key: string, task: () => Promise<T>, isLarge?: (result: T) => boolean) => Promise<T>;

type Tasks = { limit: number; running: number; readonly waiting: (() => void)[] };

/** Creates a semaphore for each key: at most `limit` tasks with the same key run at the same time. */
export function createKeyedSemaphore(limit: number): KeyedSemaphore {
  const tasks = new Map<string, Tasks>();
  return async (key, task, isLarge = () => false) => {
    const ofKey = tasks.get(key) ?? { limit, running: 0, waiting: [] };
    tasks.set(key, ofKey);
    if (ofKey.running < ofKey.limit) ofKey.running += 1;
    else await new Promise<void>((resolve) => ofKey.waiting.push(resolve));
    try {
      const result = await task();
      ofKey.limit = isLarge(result) ? 1 : limit;
      return result;
    } finally {
      ofKey.running -= 1;
      beginNext(ofKey);
      if (ofKey.running === 0) tasks.delete(key);
    }
  };
}

function beginNext(ofKey: Tasks): void {
  while (ofKey.running < ofKey.limit) {
    const begin = ofKey.waiting.shift();
    if (begin === undefined) return;
    ofKey.running += 1;
    begin();
  }
}
