import { spawnSync } from 'node:child_process';

/** The core that a server runs on, and the one that its load comes from. */
export const CORES = { server: 0, load: 1 } as const;

/** Turns a command into one that runs on a single core. */
export type Pin = (core: number, command: readonly string[]) => readonly string[];

/** Finds how to pin a process to a core: `taskset` of Linux, on a machine that has the cores. */
export function findPin(): Pin | undefined {
  const pin: Pin = (core, command) => ['taskset', '--cpu-list', String(core), ...command];
  const pins = [CORES.server, CORES.load].every((core) => {
    const [command = '', ...args] = pin(core, [process.execPath, '--version']);
    return spawnSync(command, args).status === 0;
  });
  return pins ? pin : undefined;
}
