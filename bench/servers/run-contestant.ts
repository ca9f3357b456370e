import { runUntilSignalled } from '../../shared/run-until-signalled.ts';
import type { LoadRequest } from '../load-request.ts';

/**
 * Runs a server as a child process of the bench: `start` puts what it opens on the stack and says what to ask for. The
 * first message to the parent is that request; every message from the parent is answered with the CPU time used so far.
 */
export async function runContestant(start: (resources: AsyncDisposableStack) => Promise<LoadRequest>): Promise<void> {
  await runUntilSignalled(async (resources) => {
    // a parent that is gone cannot ask this process to end
    const stop = () => process.kill(process.pid, 'SIGTERM');
    process.once('disconnect', stop);
    if (!process.connected) throw new Error('this is run by npm run bench');
    process.on('message', () => tell({ cpuMicroseconds: cpuMicroseconds() }));
    // the server keeps the process alive, the channel to the parent must not
    process.channel?.unref();
    tell(await start(resources));
    // a second signal would end it before its database is dropped
    resources.defer(() => void process.off('disconnect', stop));
  });
}

function tell(message: object): void {
  // a parent that is gone by now is noticed above; without a callback the failure would end the process at once
  process.send?.(message, undefined, undefined, () => undefined);
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
