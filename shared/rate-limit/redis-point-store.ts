import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { PointStore, PointStoreOptions } from './point-store.ts';

const CONNECT_TIMEOUT_MS = 1_000;

/** A connection that is silent for so long while a command runs is closed, and opened again. */
const SILENCE_TIMEOUT_MS = 2_000;

/** Opens the store at a Redis URL. */
export function openRedisPointStore(url: string, options: PointStoreOptions): PointStore {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    // a command fails at once while there is no connection, and is not sent again after one was lost
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  });
  // the next command rejects, and the client connects again by itself
  client.on('error', () => {});
  const limiter = new RateLimiterRedis({ ...options, keyPrefix: 'yata:rate-limit', storeClient: client });
  return {
    async prepare() {
      if (client.status === 'wait') await client.connect();
      await client.ping();
    },
    add: (key, points) => limiter.penalty(key, points),
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}
