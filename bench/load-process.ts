import autocannon from 'autocannon';
import * as z from 'zod';
import { CONNECTIONS, LoadRequest } from './load-request.ts';

const LoadOrder = z.object({
  request: LoadRequest,
  seconds: z.number(),
  /** Each is sent once. Empty: the body of the request is sent repeatedly for `seconds`. */
  bodies: z.array(z.string()),
});

// When the parent ends, the channel closes, and with it the process.
process.on('message', async (message) => {
  const { request, seconds, bodies } = LoadOrder.parse(message);
  const { url, method, headers, body } = request;
  const start = performance.now();
  let end = start;
  const result = await autocannon({
    ...{ url, method, headers, connections: CONNECTIONS },
    // its own duration is a whole number of seconds, also if all bodies were sent before
    setupClient: (client) => client.on('response', () => (end = performance.now())),
    ...(bodies.length > 0 ? sendOnce(bodies) : { duration: seconds, ...(body !== '' && { body }) }),
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
