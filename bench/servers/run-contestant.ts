import { runUntilSignalled } from '../../shared/run-until-signalled.ts';
import type { LoadRequest } from '../load-request.ts';

/**
 * Runs a server as a child process of the bench: `start` puts what it opens on the stack and says what to ask for. The
 * first message to the parent is that request; every message from the parent is answered with the CPU time used so far.
 */
export async function runContestant(start: (resources: AsyncDisposableStack) => Promise<LoadRequest>): Promise<void> {
  await runUntilSignalled(async (resources) => {
    // a parent that is gone cannot ask this process to end
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.on('message', () => process.send?.({ cpuMicroseconds: cpuMicroseconds() }));
    // the server keeps the process alive, the channel to the parent must not
    process.channel?.unref();
    process.send?.(await start(resources));
  });
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
