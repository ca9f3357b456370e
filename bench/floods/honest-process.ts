import { Agent } from 'node:http';
import * as z from 'zod';
import { type HonestClient, HonestTarget, openHonestClients } from './honest-clients.ts';
import { send } from './send.ts';

const HonestOrder = z.discriminatedUnion('order', [
  z.object({ order: z.literal('open'), target: HonestTarget }),
  z.object({ order: z.literal('begin') }),
  z.object({ order: z.literal('end') }),
]);

/** What the honest clients have measured since `begin`. */
type Phase = {
  readonly timers: NodeJS.Timeout[];
  readonly pending: Set<{ readonly kind: string; readonly sentAt: number }>;
  /** Milliseconds of each request, by its kind. A request that has no response yet counts with its time so far. */
  readonly milliseconds: Record<string, number[]>;
  readonly failures: Record<string, number>;
};

/** A request that takes longer has failed. */
const TIMEOUT_MS = 10_000;

const agent = new Agent({ keepAlive: true });

let clients: readonly HonestClient[] = [];
let phase: Phase | undefined;

// When the parent ends, the channel closes, and with it the process.
process.on('message', async (message) => {
  const order = HonestOrder.parse(message);
  if (order.order === 'open') clients = await openHonestClients(order.target);
  else if (order.order === 'begin') phase = begin();
  else {
    process.send?.(phase === undefined ? {} : end(phase));
    return;
  }
  process.send?.('done');
});
process.send?.('ready');

function begin(): Phase {
  const begun: Phase = { timers: [], pending: new Set(), milliseconds: {}, failures: {} };
  for (const client of clients) {
    begun.milliseconds[client.kind] = [];
    begun.timers.push(setInterval(() => void sendOnce(client, begun), 1000 / client.perSecond));
  }
  return begun;
}

async function sendOnce({ kind, next }: HonestClient, { pending, milliseconds, failures }: Phase): Promise<void> {
  const request = { kind, sentAt: performance.now() };
  pending.add(request);
  const reason = await sendNext().catch((error: Error & { code?: string }) => error.code ?? error.message);
  if (!pending.delete(request)) return;
  if (reason !== undefined) failures[`${kind} ${reason}`] = (failures[`${kind} ${reason}`] ?? 0) + 1;
  milliseconds[kind]?.push(performance.now() - request.sentAt);

  /** Returns the reason of a failure. */
  async function sendNext(): Promise<string | undefined> {
    const { status, body } = await send(await next(), agent, { timeoutMs: TIMEOUT_MS });
    if (status >= 300) return String(status);
    // a tool's error is in the result
    return body.includes('"isError":true') ? body.slice(0, 150) : undefined;
  }
}

function end({ timers, pending, milliseconds, failures }: Phase) {
  for (const timer of timers) clearInterval(timer);
  for (const { kind, sentAt } of pending) milliseconds[kind]?.push(performance.now() - sentAt);
  pending.clear();
  return { milliseconds, failures };
}
