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
    const count = readSync(descriptor, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    size += count;
  }
  return Buffer.concat(chunks);
}
