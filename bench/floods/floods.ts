import { CONNECTION_FLOODS } from './connection-floods.ts';
import type { Flood } from './flood.ts';
import { REQUEST_FLOODS } from './request-floods.ts';

/**
 * The floods in the order in which they run. Those of one group use one installation, and the memory of its processes is
 * measured before the first and a minute after the last of them.
 */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, Flood>>>> = {
  connections: CONNECTION_FLOODS,
  requests: REQUEST_FLOODS,
};

export const FLOOD_NAMES: readonly string[] = Object.values(GROUPS).flatMap((floods) => Object.keys(floods));

/** Returns the flood with this name. @throws when there is none. */
export function findFlood(name: string): Flood {
  for (const floods of Object.values(GROUPS)) {
    const flood = floods[name];
    if (flood !== undefined) return flood;
  }
  throw new Error(`there is no flood ${name}`);
}
