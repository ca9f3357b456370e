import type { ObservePool } from '../database/observe-pools.ts';
import type { Usage } from './point-counter.ts';

/** A database in which several processes count points. Its functions reject when it cannot be reached. */
export type PointStore = AsyncDisposable & {
  /** Makes the store ready. It is called before the first `add`, and again after a failure. */
  readonly prepare: () => Promise<void>;
  readonly add: (key: string, points: number) => Promise<Usage>;
};

/** The limit of a store. */
export type PointStoreOptions = { readonly points: number; readonly duration: number };

/** Opens the store at a `redis://`, `rediss://` or `postgresql://` URL. It does not connect yet. */
export async function openPointStore(
  url: string,
  options: PointStoreOptions,
  observe?: ObservePool,
): Promise<PointStore> {
  // imported only here: most processes use neither of them
  if (/^rediss?:/.test(url)) return (await import('./redis-point-store.ts')).openRedisPointStore(url, options);
  return (await import('./postgresql-point-store.ts')).openPostgresqlPointStore(url, options, observe);
}
