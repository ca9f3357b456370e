import autocannon from 'autocannon';
import * as z from 'zod';
import { CONNECTIONS, LoadRequest } from './load-request.ts';

const Order = z.object({ request: LoadRequest, seconds: z.number() });

// a parent that is gone asks for nothing more, and the process ends
process.on('message', async (message) => {
  const { request, seconds } = Order.parse(message);
  const { url, method, headers, body } = request;
  const result = await autocannon({
    ...{ url, method, headers, connections: CONNECTIONS, duration: seconds },
    ...(body !== '' && { body }),
  });
  process.send?.(result);
});
process.send?.('ready');
