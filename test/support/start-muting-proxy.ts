import { connect, createServer, type Socket } from 'node:net';
import { getFreePort } from '../../shared/testing/free-port.ts';

/** A proxy in front of PostgreSQL. Disposing it closes it. */
export type MutingProxy = AsyncDisposable & {
  readonly port: number;
  /** Whether notifications are dropped, as a connection pooler in transaction mode drops them. */
  isMuted: boolean;
  /** Closes every connection. New ones are accepted. */
  readonly disconnect: () => void;
};

/** The type of the message NotificationResponse in PostgreSQL's protocol. */
const NOTIFICATION_RESPONSE = 'A'.charCodeAt(0);

/** Starts a proxy in front of the PostgreSQL server at a port of 127.0.0.1. It does not understand TLS. */
export async function startMutingProxy(port: number): Promise<MutingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
    client.pipe(upstream);
    let pending = Buffer.alloc(0);
    upstream.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      // each message is its type and its length, which does not count the type
      while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
        const length = 1 + pending.readUInt32BE(1);
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        if (!proxy.isMuted || message[0] !== NOTIFICATION_RESPONSE) client.write(message);
      }
    });
  });
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: MutingProxy = {
    port: await getFreePort(),
    isMuted: false,
    disconnect,
    async [Symbol.asyncDispose]() {
      disconnect();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(proxy.port, '127.0.0.1', resolve));
  return proxy;
}
