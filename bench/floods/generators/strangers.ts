import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, count } from '../flood.ts';
import { send } from '../send.ts';

/** The time in which a stranger must get the list. */
const LIST_LIMIT_MS = 2000;

const WAIT_SECONDS = 25;

/** How long a stranger whose connection failed pauses. */
const RECONNECT_MS = 10_000;

/**
 * Opens `strangers` connections that read the status lists without authentication, from `addresses` in turn. They
 * connect within `rampMs`. Each waits for a change again and again, as a resource server does, and makes one plain GET at
 * a moment of its own in the time that is left.
 */
export async function waitAsStrangers(
  { url, strangers, addresses, rampMs, endMs }: StrangersOptions,
  until: AbortSignal,
): Promise<Counts> {
  const counts: Counts = {};
  const startedAt = performance.now();
  let connected = 0;

  async function beStranger(number: number): Promise<void> {
    const localAddress = addresses[number % addresses.length];
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ...(localAddress && { localAddress }) });
    await pause((rampMs * number) / strangers);
    const first = await send({ url }, agent, { signal: until }).catch((error: Error & { code?: string }) => error);
    if (!('status' in first) || first.status !== 200) {
      count(counts, `not connected: ${'status' in first ? first.status : (first.code ?? first.message)}`);
      return;
    }
    connected += 1;
    let entityTag = first.headers.etag;
    const plainAt = rampMs + ((endMs - rampMs) * number) / strangers;
    const plain = pause(plainAt - (performance.now() - startedAt)).then(() => requestPlainly(localAddress));
    while (!until.aborted) {
      const headers = { ...(entityTag && { 'if-none-match': entityTag }), prefer: `wait=${WAIT_SECONDS}` };
      try {
        const response = await send({ url, headers }, agent, { timeoutMs: 60_000, signal: until });
        count(counts, String(response.status));
        entityTag = response.headers.etag ?? entityTag;
        // a stranger that may not wait asks as rarely as it would if it waited (RFC 7240 §3)
        if (response.headers['preference-applied'] === undefined) await pause(WAIT_SECONDS * 1000);
      } catch {
        if (until.aborted) break;
        count(counts, 'connection lost');
        await pause(RECONNECT_MS);
      }
    }
    await plain;
    agent.destroy();
  }

  /** Its own connection may be waiting, so the plain GET has another one. */
  async function requestPlainly(localAddress: string | undefined): Promise<void> {
    if (until.aborted) return;
    const agent = new Agent({ ...(localAddress && { localAddress }) });
    const sentAt = performance.now();
    const response = await send({ url }, agent, { timeoutMs: LIST_LIMIT_MS * 2 }).catch(() => undefined);
    const inTime = response?.status === 200 && performance.now() - sentAt < LIST_LIMIT_MS;
    count(counts, inTime ? 'lists in time' : 'lists late');
  }

  function pause(milliseconds: number): Promise<void> {
    return delay(Math.max(0, milliseconds), undefined, { signal: until }).catch(() => undefined);
  }

  until.addEventListener('abort', () => count(counts, 'connected', connected), { once: true });
  await Promise.all(Array.from({ length: strangers }, (_, number) => beStranger(number)));
  return counts;
}

type StrangersOptions = {
  readonly url: string;
  readonly strangers: number;
  readonly addresses: readonly string[];
  /** Milliseconds from the start until all are connected, and until the last plain GET. */
  readonly rampMs: number;
  readonly endMs: number;
};
