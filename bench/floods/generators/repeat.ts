import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, count } from '../flood.ts';
import { type HttpRequest, send } from '../send.ts';

/** How long a connection that failed waits before it is used again. */
const RETRY_MS = 100;

/** Sends a request on each of `connections` connections as soon as it has the response to the one before. */
export async function repeat(
  connections: number,
  next: (number: number) => HttpRequest | Promise<HttpRequest>,
  until: AbortSignal,
): Promise<Counts> {
  const counts: Counts = {};
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let number = 0;

  async function sendAgainAndAgain(): Promise<void> {
    while (!until.aborted) {
      const result = await send(await next(number++), agent).then(
        ({ status }) => String(status),
        (error: Error & { code?: string }) => error.code ?? error.message,
      );
      count(counts, result);
      if (!/^\d+$/.test(result)) await delay(RETRY_MS);
    }
  }

  await Promise.all(Array.from({ length: connections }, sendAgainAndAgain));
  agent.destroy();
  return counts;
}
