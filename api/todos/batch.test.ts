import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchResults } from '../../shared/todo/batch.ts';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { anyTags, anyText } from '../testing/arbitrary-todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** A todo of the model: the fields that a batch changes, the version, and whether it is deleted. */
type Entry = { readonly id: string; title: string; tags: readonly string[]; version: number; deleted: boolean };

const anyContent = fc.record({ title: fc.oneof(fc.constantFrom('a', 'b'), anyText), tags: anyTags });
/** The index of a todo. Some indexes are too high, so that an operation names a todo that does not exist. */
const anyTarget = fc.integer({ min: 0, max: 6 });
/** The difference between the version in the operation and the current one. Mostly no version, or the current one. */
const anyVersion = fc.constantFrom(undefined, undefined, undefined, 0, 0, 0, 1);
const anyOperation = fc.oneof(
  fc.record({ op: fc.constant('create' as const), todo: anyContent }),
  fc.record({ op: fc.constant('update' as const), target: anyTarget, changes: anyContent, version: anyVersion }),
  fc.record({ op: fc.constant('delete' as const), target: anyTarget, version: anyVersion }),
  fc.record({ op: fc.constant('restore' as const), target: anyTarget, version: anyVersion }),
);

test('a batch executes all operations in order or none, with a result for each operation', async () => {
  const outcomes = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyOperation, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
      async (batches) => {
        const call = await api.createCaller();
        const seeds = [0, 1, 2, 3, 4].map((number) => ({ op: 'create', todo: { title: `seed ${number}` } }));
        const seeded = BatchResults.parse((await call('POST', '/api/v1/todos/batch', { operations: seeds })).body);
        let model: Entry[] = seeded.results.map(({ id }, number) => ({
          id,
          title: `seed ${number}`,
          tags: [],
          version: 1,
          deleted: false,
        }));
        for (const batch of batches) {
          const [expected, operations] = [structuredClone(model), [] as object[]];
          const statuses = batch.map((operation, index) => {
            const result = apply(expected, operation, `new ${index}`);
            operations.push(result.operation);
            return result.status;
          });
          const { status, body } = await call('POST', '/api/v1/todos/batch', { operations });
          outcomes.add(status);
          const rejected = statuses.flatMap((of, index) => (of >= 400 ? [{ of, index }] : []));
          if (rejected.length === 0) {
            expect(status).toBe(200);
            const { results } = BatchResults.parse(body);
            expect(results.map((result) => result.status)).toEqual(statuses);
            const ids = new Map(results.map(({ id }, index) => [`new ${index}`, id]));
            model = expected.map((entry) => ({ ...entry, id: ids.get(entry.id) ?? entry.id }));
            expect(results.map(({ todo }) => todo === undefined)).toEqual(batch.map(({ op }) => op === 'delete'));
          } else {
            expect({ status, body }).toMatchObject({
              status: 422,
              body: {
                results: statuses.map((of) => ({ status: of >= 400 ? of : 424, detail: expect.any(String) })),
                errors: rejected.map(({ of, index }) => ({
                  field: `operations.${index}.${of === 404 ? 'id' : 'version'}`,
                  expected: expect.any(String),
                })),
              },
            });
          }
          expect(await read(call)).toEqual(contentOf(model));
        }
      },
    ),
    { numRuns: 50 },
  );
  // batches of both kinds were tried
  expect([...outcomes].sort()).toEqual([200, 422]);
});

test('each result has the todo as it was right after its operation', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'one' })).body);
  const operations = [
    { op: 'update', id, changes: { title: 'two' }, version: 1 },
    { op: 'update', id, changes: { title: 'three' }, version: 2 },
    { op: 'delete', id, version: 3 },
    { op: 'restore', id: id.toUpperCase(), version: 4 },
  ];
  const { status, body } = await call('POST', '/api/v1/todos/batch', { operations });
  const { results } = BatchResults.parse(body);
  expect(status).toBe(200);
  expect(results.map(({ id, status, todo }) => [id, status, todo?.title, todo?.version])).toEqual([
    [id, 200, 'two', 2],
    [id, 200, 'three', 3],
    [id, 200, undefined, undefined],
    [id, 200, 'three', 5],
  ]);
});

test('a rejected batch adds nothing to the change feed', async () => {
  const call = await api.createCaller();
  const feed = async (since: string) =>
    ChangeFeed.parse((await call('GET', `/api/v1/todos/changes?since=${since}`)).body);
  const operations = [
    { op: 'create', todo: { title: 'never' } },
    { op: 'delete', id: randomUUID() },
  ];
  expect((await call('POST', '/api/v1/todos/batch', { operations })).status).toBe(422);
  expect(await feed('0')).toEqual({ changes: [], next: '0' });
  expect((await call('POST', '/api/v1/todos', { title: 'first' })).status).toBe(201);
  expect(await feed('0')).toMatchObject({ changes: [{ change: 'created', todo: { title: 'first' } }], next: '1' });
});

test('in a batch, a todo of another subject gets the same result as an id that no todo has', async () => {
  const [owner, other] = [await api.createCaller(), await api.createCaller()];
  const { id } = Todo.parse((await owner('POST', '/api/v1/todos', { title: 'private' })).body);
  const tryOn = async (id: string) =>
    other('POST', '/api/v1/todos/batch', {
      operations: [
        { op: 'update', id, changes: { title: 'mine' } },
        { op: 'delete', id },
        { op: 'restore', id },
      ],
    });
  const [others, absent] = [await tryOn(id), await tryOn(randomUUID())];
  expect(others).toMatchObject({ status: 422, body: { results: [{ status: 404 }, { status: 404 }, { status: 404 }] } });
  expect(others.body).toEqual(absent.body);
});

test('a batch can have 50 todos of the largest size, and 51 operations are rejected', async () => {
  const call = await api.createCaller();
  const todo = {
    title: 'ü'.repeat(500),
    description: '\u0001'.repeat(5_000) + '😀'.repeat(2_500),
    tags: Array.from({ length: 20 }, (_, index) => `${index}${'東'.repeat(48)}`),
  };
  const operations = Array.from({ length: 50 }, () => ({ op: 'create', todo }));
  const { status, body } = await call('POST', '/api/v1/todos/batch', { operations });
  expect(status).toBe(200);
  expect(BatchResults.parse(body).results.map(({ todo }) => todo)).toMatchObject(operations.map(({ todo }) => todo));
  const tooMany = Array.from({ length: 51 }, () => ({ op: 'create', todo: { title: 'a' } }));
  expect(await call('POST', '/api/v1/todos/batch', { operations: tooMany })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'operations', expected: 'at most 50 operations' }] },
  });
});

/** Executes an operation on the model. Returns the operation to send and the expected status. */
function apply(
  model: Entry[],
  operation: typeof anyOperation extends fc.Arbitrary<infer T> ? T : never,
  newId: string,
): { operation: object; status: number } {
  if (operation.op === 'create') {
    model.push({ id: newId, ...operation.todo, version: 1, deleted: false });
    return { operation, status: 201 };
  }
  const { target, version: off, ...sent } = operation;
  // an operation can only name a todo that existed before the batch
  const entry = model[target]?.id.startsWith('new ') ? undefined : model[target];
  const version = off === undefined ? {} : { version: (entry?.version ?? 1) + off };
  const named = { ...sent, id: entry?.id ?? randomUUID(), ...version };
  if (entry === undefined || (entry.deleted && operation.op !== 'restore')) return { operation: named, status: 404 };
  if (off === 1) return { operation: named, status: 412 };
  if (operation.op === 'update') {
    const { title, tags } = operation.changes;
    if (JSON.stringify([title, tags]) !== JSON.stringify([entry.title, entry.tags])) entry.version += 1;
    Object.assign(entry, { title, tags });
  } else if (entry.deleted !== (operation.op === 'delete')) {
    entry.deleted = !entry.deleted;
    entry.version += 1;
  }
  return { operation: named, status: 200 };
}

/** Reads the todos with the fields of the model. */
async function read(call: Caller) {
  return contentOf(Todo.array().parse((await call('GET', '/api/v1/todos?limit=200')).body));
}

function contentOf(todos: readonly (Omit<Entry, 'deleted'> & { deleted?: boolean })[]) {
  return todos
    .filter(({ deleted }) => deleted !== true)
    .map(({ id, title, tags, version }) => ({ id, title, tags, version }));
}
