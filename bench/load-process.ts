import autocannon from 'autocannon';
import * as z from 'zod';
import { LoadRequest } from './load-request.ts';

const LoadOrder = z.object({
  request: LoadRequest,
  seconds: z.number(),
  /** Each is sent once. Empty: the body of the request is sent repeatedly for `seconds`. */
  bodies: z.array(z.string()),
  connections: z.number(),
});

// When the parent ends, the channel closes, and with it the process.
process.on('message', async (message) => {
  const { request, seconds, bodies, connections } = LoadOrder.parse(message);
  const { url, method, headers } = request;
  const start = performance.now();
  let end = start;
  const result = await autocannon({
    ...{ url, method, headers, connections },
    // its own duration is a whole number of seconds, also if all bodies were sent before
    setupClient: (client) => client.on('response', () => (end = performance.now())),
    ...(bodies.length > 0 ? sendOnce(bodies) : { duration: seconds, ...sendAgain(request) }),
  });
  process.send?.({ ...result, duration: (end - start) / 1000 });
});
process.send?.('ready');

function sendOnce(bodies: string[]) {
  const amount = bodies.length;
  // autocannon asks for a few requests more than it sends
  const setupRequest = (request: autocannon.Request) => ({ ...request, body: bodies.pop() ?? '' });
  return { amount, requests: [{ setupRequest }] };
}

function sendAgain({ body, variants }: LoadRequest) {
  if (variants === undefined) return body === '' ? {} : { body };
  // at random: connections that all began with the first one would meet there again and again
  const setupRequest = (request: autocannon.Request) => ({
    ...request,
    ...variants[Math.floor(Math.random() * variants.length)],
    body: body.replace('{random}', Math.random().toString(36)),
  });
  return { requests: [{ setupRequest }] };
}
