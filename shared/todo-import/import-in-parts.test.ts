import { expect, test } from 'vitest';
import { ImportInterruptedError, importInParts } from './import-in-parts.ts';
import { type PreparedTodo, prepareImport } from './prepare-import.ts';

function makeTodos(count: number, description = ''): readonly PreparedTodo[] {
  const file = Array.from({ length: count }, (_, index) => `${JSON.stringify({ title: `${index}`, description })}\n`);
  return prepareImport(Buffer.from(file.join('')), { today: '2026-11-28', timeZone: 'UTC' }).todos;
}

test('todos are sent in parts and in order, and the counts are added', async () => {
  const todos = makeTodos(450);
  const parts: (readonly PreparedTodo[])[] = [];
  const progress: (readonly [number, number])[] = [];
  const counts = await importInParts(todos, {
    send: async (part) => {
      parts.push(part);
      return { created: part.length - 1, skipped: 1 };
    },
    reportProgress: (...numbers) => progress.push(numbers),
  });
  expect(parts.map(({ length }) => length)).toEqual([200, 200, 50]);
  expect(parts.flat()).toEqual(todos);
  expect(counts).toEqual({ created: 447, skipped: 3 });
  expect(progress).toEqual([
    [0, 450],
    [200, 450],
    [400, 450],
    [450, 450],
  ]);
});

test('a part has as many todos as fit into 80 kB of JSON', async () => {
  const parts: (readonly PreparedTodo[])[] = [];
  await importInParts(makeTodos(500, 'x'.repeat(450)), {
    send: async (part) => {
      parts.push(part);
      return { created: part.length, skipped: 0 };
    },
  });
  const bytes = (todo: PreparedTodo | undefined) => Buffer.byteLength(JSON.stringify(todo));
  for (const [index, part] of parts.slice(0, -1).entries()) {
    const size = part.reduce((sum, todo) => sum + bytes(todo), 0);
    expect(part.length).toBeLessThan(200);
    expect(size).toBeLessThanOrEqual(80_000);
    expect(size + bytes(parts[index + 1]?.[0])).toBeGreaterThan(80_000);
  }
  expect(parts.flat()).toHaveLength(500);
});

test('no todo is no request', async () => {
  const send = () => Promise.reject(new Error('a request'));
  expect(await importInParts([], { send })).toEqual({ created: 0, skipped: 0 });
});

test('a failure says how many todos were imported before it', async () => {
  const cause = new Error('the network is down');
  let parts = 0;
  const send = async (part: readonly PreparedTodo[]) => {
    parts += 1;
    if (parts === 3) throw cause;
    return { created: part.length - 5, skipped: 5 };
  };
  const error = await importInParts(makeTodos(1000), { send }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ImportInterruptedError);
  expect(error).toMatchObject({ counts: { created: 390, skipped: 10 }, total: 1000, cause });
  expect(parts).toBe(3);
});
