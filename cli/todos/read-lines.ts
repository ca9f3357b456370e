import { TODO_TEXTS } from './texts.ts';

/**
 * Reads the lines of a body while it arrives, as many at once as have arrived.
 * @throws when the body ends too early.
 */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    throw new Error(TODO_TEXTS.incomplete(), { cause });
  }
  if (rest !== '') throw new Error(TODO_TEXTS.incomplete());
}
