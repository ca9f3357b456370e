import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import { copyHead } from './copy-head.ts';

export type EventStreamResponse = Response & { readonly body: ReadableStream<Uint8Array> };

export function isEventStream(response: Response): response is EventStreamResponse {
  return response.headers.get('content-type') === 'text/event-stream';
}

/**
 * How long the status of a stream is held back. If the todo API rejects the access token, it does so within this time, and
 * the status can still be 401.
 */
const HOLD_BACK_MS = 500;

/**
 * Sends the events of `response` as they arrive. Returns after the last event, or when the client has closed the
 * connection (`disconnected`). The first events are held back until `requireAccepted` has passed.
 */
export async function sendEventStream(
  ctx: Context,
  response: EventStreamResponse,
  { disconnected, requireAccepted }: { disconnected: Promise<undefined>; requireAccepted: () => void },
): Promise<void> {
  const reader = response.body.getReader();
  let next = reader.read();
  const held: Uint8Array[] = [];
  const heldLongEnough = delay(HOLD_BACK_MS, undefined, { ref: false });
  await readUntil(Promise.race([disconnected, heldLongEnough]), (event) => held.push(event));
  if (ctx.res.destroyed) return;
  requireAccepted();
  copyHead(response, ctx);
  // from here on Koa writes nothing
  ctx.respond = false;
  ctx.res.statusCode = ctx.status;
  ctx.res.flushHeaders();
  for (const event of held) ctx.res.write(event);
  await readUntil(disconnected, (event) => ctx.res.write(event));
  ctx.res.end();

  async function readUntil(end: Promise<undefined>, use: (event: Uint8Array) => void): Promise<void> {
    for (;;) {
      const part = await Promise.race([next, end]);
      if (part === undefined || part.done) return;
      use(part.value);
      next = reader.read();
    }
  }
}
