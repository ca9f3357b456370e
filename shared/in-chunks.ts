/**
 * Splits `items` into chunks of at most `maxItems` items and `maxBytes` bytes of JSON, in the same order. An item that is
 * larger than `maxBytes` gets a chunk of its own.
 */
export function inChunks<T>(
  items: readonly T[],
  { maxItems, maxBytes }: { readonly maxItems: number; readonly maxBytes: number },
): T[][] {
  const chunks: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item));
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length >= maxItems || bytes + size > maxBytes) {
      chunks.push([item]);
      bytes = size;
    } else {
      chunk.push(item);
      bytes += size;
    }
  }
  return chunks;
}
