import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, count } from '../flood.ts';
import { type HttpRequest, send } from '../send.ts';

/** Time between two writes of the subject that waits. */
const WRITE_MS = 2000;

/** How long a request that may not wait pauses. */
const PAUSE_MS = 2000;

const WAIT_SECONDS = 55;

/**
 * Keeps `waits` requests of one subject waiting in its change feed, and writes a todo every two seconds.
 * @param write the request that creates a todo.
 */
export async function waitForChanges(
  { url, headers, waits, write }: { url: string; headers: Record<string, string>; waits: number; write: HttpRequest },
  until: AbortSignal,
): Promise<Counts> {
  const counts: Counts = {};
  const agent = new Agent({ keepAlive: true });
  const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal: until }).catch(() => undefined);

  async function waitAgainAndAgain(): Promise<void> {
    let since: string | undefined;
    while (!until.aborted) {
      const request = {
        url: since === undefined ? url : `${url}?since=${since}`,
        headers: { ...headers, ...(since !== undefined && { prefer: `wait=${WAIT_SECONDS}` }) },
      };
      const response = await send(request, agent, { timeoutMs: 60_000, signal: until }).catch(() => undefined);
      if (until.aborted) return;
      count(counts, String(response?.status ?? 'connection lost'));
      if (response?.status === 200) since = JSON.parse(response.body).next;
      else await pause(PAUSE_MS);
    }
  }

  async function writeAgainAndAgain(): Promise<void> {
    for (;;) {
      await pause(WRITE_MS);
      if (until.aborted) return;
      const response = await send(write, agent).catch(() => undefined);
      count(counts, `write ${response?.status ?? 'lost'}`);
    }
  }

  await Promise.all([writeAgainAndAgain(), ...Array.from({ length: waits }, waitAgainAndAgain)]);
  agent.destroy();
  return counts;
}
