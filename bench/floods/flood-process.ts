import { setMaxListeners } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import * as z from 'zod';
import { FloodTarget } from './flood.ts';
import { findFlood } from './floods.ts';

const FloodOrder = z.object({ name: z.string(), target: FloodTarget, seconds: z.number() });

const DEFAULT_NICE = 19;

/** Where Linux has the nice value of a session, which is the only one that counts between sessions. */
const AUTOGROUP = '/proc/self/autogroup';

// When the parent ends, the channel closes, and with it the process.
process.on('message', async (message) => {
  const { name, target, seconds } = FloodOrder.parse(message);
  const flood = findFlood(name);
  const nice = flood.nice ?? DEFAULT_NICE;
  setPriority(nice);
  if (existsSync(AUTOGROUP)) writeFileSync(AUTOGROUP, String(nice));
  const until = AbortSignal.timeout(seconds * 1000);
  setMaxListeners(0, until);
  process.send?.(await flood.run(target, until));
});
process.send?.('ready');
