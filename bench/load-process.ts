import autocannon from 'autocannon';
import * as z from 'zod';
import { CONNECTIONS, LoadRequest } from './load-request.ts';

const LoadOrder = z.object({ request: LoadRequest, seconds: z.number() });

// When the parent ends, the channel closes, and with it the process.
process.on('message', async (message) => {
  const { request, seconds } = LoadOrder.parse(message);
  const { url, method, headers, body } = request;
  const result = await autocannon({
    ...{ url, method, headers, connections: CONNECTIONS, duration: seconds },
    ...(body !== '' && { body }),
  });
  process.send?.(result);
});
process.send?.('ready');
