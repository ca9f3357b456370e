import * as z from 'zod';
import { runUntilSignalled } from '../../shared/run-until-signalled.ts';
import type { LoadRequest } from '../load-request.ts';

/** The request for the load. `prepare` makes the bodies of a request whose body can be sent only once. */
type Contest = Omit<LoadRequest, 'once'> & { readonly prepare?: (count: number) => Promise<string[]> };

const Message = z.union([z.literal('cpu'), z.object({ prepare: z.number() })]);

/**
 * Runs a server in a child process of the bench. `start` opens the server, adds it to the stack, and returns the request
 * for the load, which is the first message to the parent. The response to a message of the parent is the CPU time that the
 * process has used so far, or the bodies that it asks for.
 */
export async function runContestant(start: (resources: AsyncDisposableStack) => Promise<Contest>): Promise<void> {
  await runUntilSignalled(async (resources) => {
    // a parent that has ended cannot send SIGTERM
    const stop = () => process.kill(process.pid, 'SIGTERM');
    process.once('disconnect', stop);
    if (!process.connected) throw new Error('this script needs a parent process: run npm run bench');
    // the channel to the parent must not keep the process alive; the server does
    process.channel?.unref();
    const { prepare, ...request } = await start(resources);
    process.on('message', async (received) => {
      const message = Message.parse(received);
      if (message === 'cpu') send({ cpuMicroseconds: cpuMicroseconds() });
      else send((await prepare?.(message.prepare)) ?? []);
    });
    send({ ...request, once: prepare !== undefined } satisfies LoadRequest);
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
