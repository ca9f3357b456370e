import { connect, createServer, type Socket } from 'node:net';
import { getFreePort } from '../../shared/testing/free-port.ts';

/** A TCP proxy on 127.0.0.1. Disposing it closes it. */
export type BlockableProxy = AsyncDisposable & {
  readonly url: string;
  /** Closes every connection, and closes new ones at once until `unblock` is called. */
  readonly block: () => void;
  readonly unblock: () => void;
};

/** Starts a TCP proxy in front of a port of 127.0.0.1. It stands for a network that can fail. */
export async function startBlockableProxy(port: number): Promise<BlockableProxy> {
  const sockets = new Set<Socket>();
  let blocked = false;
  const server = createServer((incoming) => {
    if (blocked) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  });
  const proxyPort = await getFreePort();
  await new Promise<void>((resolve) => server.listen(proxyPort, '127.0.0.1', resolve));
  const block = () => {
    blocked = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${proxyPort}`,
    block,
    unblock() {
      blocked = false;
    },
    async [Symbol.asyncDispose]() {
      block();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
