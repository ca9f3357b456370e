import type { Writable } from 'node:stream';

/**
 * Lets the process end normally when the program that reads its output has ended, as in `yata audit | head`. Without a
 * listener, Node.js would end it with a stack trace.
 */
export function ignoreClosedOutput(...streams: readonly Writable[]): void {
  for (const stream of streams)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}
