import { spawnSync } from 'node:child_process';

/** The cores of the server and of the process that sends the load. */
export const CORES = { server: 0, load: 1 } as const;

/** Changes a command so that it runs on one core. */
export type Pin = (core: number, command: readonly string[]) => readonly string[];

/** Finds out whether `taskset` (Linux) can pin processes to both cores. */
export function findPin(): Pin | undefined {
  const pin: Pin = (core, command) => ['taskset', '--cpu-list', String(core), ...command];
  const works = [CORES.server, CORES.load].every((core) => {
    const [command = '', ...args] = pin(core, [process.execPath, '--version']);
    return spawnSync(command, args).status === 0;
  });
  return works ? pin : undefined;
}
