import { createServer } from 'node:net';

/**
 * The ports are below the ephemeral range, from which a system gives ports to sockets without a fixed port, outgoing
 * connections too. Each test process starts at another port, because they run at the same time.
 */
const [FIRST_PORT, PORT_COUNT] = [12_000, 20_000];

let nextOffset = (process.pid * 97) % PORT_COUNT;

/** Finds a TCP port of 127.0.0.1 that no process listens on. No two calls in one process return the same port. */
export async function getFreePort(): Promise<number> {
  const port = FIRST_PORT + nextOffset;
  nextOffset = (nextOffset + 1) % PORT_COUNT;
  return (await isFree(port)) ? port : getFreePort();
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
