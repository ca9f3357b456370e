import { connect, createServer, type Socket } from 'node:net';
import { getFreePort } from '../../shared/testing/free-port.ts';

/** A TCP proxy on 127.0.0.1 that can swallow everything. Disposing it closes it. */
export type BlackHole = AsyncDisposable & {
  readonly url: string;
  /** Drops every byte in both directions, and closes no connection. New connections are accepted, and nothing answers on them. */
  readonly swallow: () => void;
  /** Lets new connections through. Those of before stay silent, as after a firewall has forgotten them. */
  readonly release: () => void;
};

/** Starts a TCP proxy in front of a port of 127.0.0.1. It stands for a network that loses packets without an error. */
export async function startBlackHole(port: number): Promise<BlackHole> {
  const sockets = new Set<Socket>();
  const silenced = new WeakSet<Socket>();
  let isSwallowing = false;
  const server = createServer((incoming) => {
    sockets.add(incoming);
    incoming.on('error', () => undefined).on('close', () => sockets.delete(incoming));
    if (isSwallowing) {
      incoming.resume();
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
        .on('data', (chunk) => {
          if (!silenced.has(from)) to.write(chunk);
        })
        .on('close', () => {
          sockets.delete(from);
          // the end of a connection does not arrive either
          if (!silenced.has(from)) to.destroy();
        });
    }
  });
  const proxyPort = await getFreePort();
  await new Promise<void>((resolve) => server.listen(proxyPort, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${proxyPort}`,
    swallow() {
      isSwallowing = true;
      for (const socket of sockets) silenced.add(socket);
    },
    release() {
      isSwallowing = false;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
