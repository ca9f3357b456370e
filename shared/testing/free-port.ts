import { createServer } from 'node:net';

/** The ports are below those that systems give out by themselves, to connections too, and each process begins elsewhere. */
const [FIRST, COUNT] = [12_000, 20_000];

let next = (process.pid * 97) % COUNT;

/** Finds a TCP port of 127.0.0.1 that nobody listens on, and that no call before found. */
export async function getFreePort(): Promise<number> {
  const port = FIRST + next;
  next = (next + 1) % COUNT;
  return (await isFree(port)) ? port : getFreePort();
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
