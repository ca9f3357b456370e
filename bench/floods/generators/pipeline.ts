import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, count } from '../flood.ts';

/** How long to wait until a connection that the server has closed is opened again. */
const RECONNECT_MS = 500;

/** How often a connection with many requests sends one more. Without reading, only a write shows that it was closed. */
const TRICKLE_MS = 1000;

/**
 * Opens connections that each send `requests` requests at once and never read a response. A connection that the server
 * closes is opened again, and sends them again.
 */
export async function pipelineWithoutReading(
  {
    url,
    headers = {},
    connections,
    requests,
  }: { url: string; headers?: object; connections: number; requests: number },
  until: AbortSignal,
): Promise<Counts> {
  const counts: Counts = {};
  const { hostname, port, host, pathname, search } = new URL(url);
  const fields = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${pathname}${search} HTTP/1.1\r\n${fields.join('')}\r\n`;
  const bytes = Buffer.from(request.repeat(requests));
  const open = new Set<Socket>();

  async function sendAgainAndAgain(): Promise<void> {
    while (!until.aborted) {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.pause();
      open.add(socket);
      count(counts, 'connections');
      count(counts, 'requests', requests);
      socket.on('error', () => {});
      socket.write(bytes);
      const trickle = setInterval(() => requests > 1 && socket.write(request), TRICKLE_MS);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(trickle);
      open.delete(socket);
      if (until.aborted) return;
      count(counts, 'closed by the server');
      await delay(RECONNECT_MS);
    }
  }

  until.addEventListener('abort', () => {
    for (const socket of open) socket.destroy();
  });
  await Promise.all(Array.from({ length: connections }, sendAgainAndAgain));
  return counts;
}
