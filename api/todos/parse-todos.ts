import type { Context, Middleware } from 'koa';
import { findJson } from '../../shared/find-json.ts';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { requireSimpleJson } from '../../shared/http/json-complexity.ts';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import { JSON_LINES } from '../../shared/todo/json-lines.ts';
import { MAX_IMPORT_BYTES, MAX_IMPORT_LINE_CHARACTERS, MAX_IMPORT_LINES } from '../../shared/todo/limits.ts';
import { ImportedTodo } from '../../shared/todo/todo.ts';

/** The points of a body are counted again when this many bytes have arrived. */
const BYTES_PER_COUNT = 100_000;

/** The most invalid fields that a response names. Parsing ends when it has found this many. */
const MAX_PROBLEMS = 20;

/**
 * Parses a body of JSON Lines, one todo per line, into `ctx.state.body` while the body arrives. Blank lines are skipped.
 * Rejects with 400 (the lines and fields that are invalid), 413 (too many bytes or lines) or 415 (another media type, or a
 * content encoding). `ctx.state.bodyBytes` is the number of bytes that were read, also for a rejected body.
 */
export const parseTodos: Middleware<{ body: ImportedTodo[] }> = async function parseTodos(ctx, next) {
  ctx.state.body = await readTodos(ctx);
  await next();
};

async function readTodos(ctx: Context): Promise<ImportedTodo[]> {
  if (!ctx.is(JSON_LINES, 'application/x-ndjson', 'application/jsonlines'))
    throw new HttpError('unsupported_media_type', `content-type: expected ${JSON_LINES}`, {
      headers: { accept: JSON_LINES },
    });
  if ((ctx.get('content-encoding') || 'identity') !== 'identity')
    throw new HttpError('unsupported_content_encoding', 'content-encoding: expected none', {
      headers: { 'accept-encoding': 'identity' },
    });
  const todos: ImportedTodo[] = [];
  const problems: { field: string; expected: string }[] = [];
  let number = 0;
  for await (const line of readLines(ctx)) {
    number += 1;
    // blank lines count: without this, 10 MB of them would take seconds to parse
    if (number > MAX_IMPORT_LINES) throw tooLarge('body', MAX_IMPORT_LINES, 'lines');
    if (line.length > MAX_IMPORT_LINE_CHARACTERS)
      throw tooLarge(`line ${number}`, MAX_IMPORT_LINE_CHARACTERS, 'characters');
    if (line.trim() === '') continue;
    requireSimpleJson(line, { whole: `line ${number}` });
    const parsed = ImportedTodo.safeParse(findJson(line));
    if (parsed.success) todos.push(parsed.data);
    else {
      for (const { field, expected } of fieldProblems(parsed.error, 'todo'))
        problems.push({ field: `line ${number}: ${field}`, expected });
    }
    if (problems.length >= MAX_PROBLEMS) break;
  }
  if (problems.length > 0) throw new InvalidRequestError(problems.slice(0, MAX_PROBLEMS));
  return todos;
}

/** The lines of the body. A line break at the end begins no further line. */
async function* readLines(ctx: Context): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [bytes, counted, complete, rest] = [0, 0, 0, ''];
  for await (const chunk of readChunks(ctx)) {
    bytes += chunk.length;
    ctx.state.bodyBytes = bytes;
    if (bytes > MAX_IMPORT_BYTES) throw tooLarge('body', MAX_IMPORT_BYTES, 'bytes');
    if (bytes - counted >= BYTES_PER_COUNT) {
      counted = bytes;
      await ctx.state.countBytes?.(bytes);
    }
    const lines = (rest + decodeOrReject(() => decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    complete += lines.length;
    yield* lines;
    if (rest.length > MAX_IMPORT_LINE_CHARACTERS)
      throw tooLarge(`line ${complete + 1}`, MAX_IMPORT_LINE_CHARACTERS, 'characters');
  }
  rest += decodeOrReject(() => decoder.decode());
  if (rest !== '') yield rest;
}

async function* readChunks(ctx: Context): AsyncGenerator<Buffer> {
  try {
    yield* ctx.req.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new InvalidRequestError([{ field: 'body', expected: 'a complete body' }], cause);
  } finally {
    // discards the rest of a rejected body: another request may follow on the same connection
    ctx.req.resume();
  }
}

function decodeOrReject(decode: () => string): string {
  try {
    return decode();
  } catch (cause) {
    throw new InvalidRequestError([{ field: 'body', expected: 'lines of JSON in UTF-8' }], cause);
  }
}

/** The response closes the connection, because the rest of a body that is too large may take long to arrive. */
function tooLarge(field: string, limit: number, unit: 'bytes' | 'characters' | 'lines'): HttpError {
  const expected = `at most ${limit} ${unit}`;
  return new HttpError('content_too_large', `${field}: expected ${expected}`, {
    members: { limit, unit },
    fields: [{ field, expected }],
    headers: { connection: 'close' },
  });
}
