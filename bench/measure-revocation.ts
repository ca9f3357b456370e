import { measureClientRevocation } from './measure-client-revocation.ts';
import { measureKeyRevocation } from './measure-key-revocation.ts';
import { measurePropagation } from './measure-propagation.ts';
import { measureReader } from './measure-reader.ts';
import { median } from './statistics.ts';

/** Measures revocation, and returns the results as lines of text. It takes about a minute. */
export async function measureRevocation(): Promise<string[]> {
  const reader = await measureReader();
  const client = await measureClientRevocation();
  const propagation = await measurePropagation();
  const key = await measureKeyRevocation();
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    `a reader of 1,000,000 tokens, 1 % revoked: ${Math.round(reader.bytes / 1024)} KB (target 1,024), ${Math.round(reader.nanoseconds)} ns a lookup (target 1,000)`,
    `a client with ${client.tokens} tokens revoked: at most ${ms(Math.max(...client.milliseconds))} (target 100), ${client.rows} rows for ${client.blocks} blocks`,
    `from the response of the revocation endpoint until api and mcp reject the token, with 100 readers: median ${ms(propagation.median)}, p99 ${ms(propagation.p99)} (target 50), longest ${ms(propagation.longest)}, of ${propagation.revocations}; a request takes ${ms(propagation.request.median)}, p99 ${ms(propagation.request.p99)}`,
    `accepted after the acknowledgement: ${propagation.acceptedAfterAcknowledgement} of ${propagation.sentAfterAcknowledgement} requests (target 0)`,
    `from the request that revokes a signing key until two api and two mcp reject its tokens: median ${ms(median(key.rejected))}, longest ${ms(Math.max(...key.rejected))} (target 250), of ${key.rejected.length}; the request takes ${ms(median(key.answered))}`,
  ];
}
