import { readSync } from 'node:fs';

const CHUNK_BYTES = 1_000_000;

/**
 * Reads a file to its end, or until it has more than `maxBytes` bytes: a device and a pipe may have no end.
 * @returns more than `maxBytes` bytes if the file has more.
 */
export function readAtMost(descriptor: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size <= maxBytes) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readWhenReady(descriptor, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    size += count;
  }
  return Buffer.concat(chunks);
}

const PAUSE_MS = 20;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Another program that has the same pipe or terminal may have set it to answer "not yet" instead of waiting. */
function readWhenReady(descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}
