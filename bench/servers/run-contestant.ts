import { runUntilSignalled } from '../../shared/run-until-signalled.ts';
import type { LoadRequest } from '../load-request.ts';

/**
 * Runs a server in a child process of the bench. `start` opens the server, adds it to the stack, and returns the request
 * for the load, which is the first message to the parent. The response to each message of the parent is the CPU time that
 * the process has used so far.
 */
export async function runContestant(start: (resources: AsyncDisposableStack) => Promise<LoadRequest>): Promise<void> {
  await runUntilSignalled(async (resources) => {
    // a parent that has ended cannot send SIGTERM
    const stop = () => process.kill(process.pid, 'SIGTERM');
    process.once('disconnect', stop);
    if (!process.connected) throw new Error('this script needs a parent process: run npm run bench');
    process.on('message', () => send({ cpuMicroseconds: cpuMicroseconds() }));
    // the channel to the parent must not keep the process alive; the server does
    process.channel?.unref();
    send(await start(resources));
    // a second signal would end the process before it has dropped its database
    resources.defer(() => void process.off('disconnect', stop));
  });
}

function send(message: object): void {
  // 'disconnect' handles a parent that has ended; without a callback the error would end the process at once
  process.send?.(message, undefined, undefined, () => undefined);
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
