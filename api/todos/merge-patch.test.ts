import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Todo } from '../../shared/todo/todo.ts';
import { anyDay, anyPosition, anyTags, anyText, anyTime, anyTodo } from '../testing/arbitrary-todo.ts';
import { startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' };
const PRESENT = ['title', 'completed', 'position'];

const anyPatch = fc
  .record(
    {
      title: anyText,
      description: fc.option(anyText),
      completed: fc.boolean(),
      due_at: fc.option(anyTime),
      due_on: fc.option(anyDay),
      priority: fc.option(fc.integer({ min: 1, max: 4 })),
      tags: fc.option(anyTags),
      position: anyPosition,
    },
    { requiredKeys: [] },
  )
  .filter(({ due_at, due_on }) => due_at == null || due_on == null);

test('a merge patch changes its fields, clears those that are null and leaves the others', async () => {
  const call = await api.createCaller();
  await fc.assert(
    fc.asyncProperty(
      anyTodo,
      fc.array(anyPatch, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('PATCH', 'PUT'),
      async ({ created_at: _, ...todo }, patches, method) => {
        let before = Todo.parse((await call('POST', '/api/v1/todos', todo)).body);
        expect(before).toMatchObject(todo);
        for (const patch of patches) {
          const answer = await call(method, `/api/v1/todos/${before.id}`, patch, MERGE_PATCH);
          const after = Todo.parse(answer.body);
          expect(answer.status).toBe(200);
          expect(contentOf(after)).toEqual(merge(contentOf(before), patch));
          const changed = JSON.stringify(contentOf(after)) !== JSON.stringify(contentOf(before));
          expect(after.version).toBe(before.version + Number(changed));
          expect(answer.headers.get('etag')).toBe(method === 'PUT' ? null : `"${after.version}"`);
          if (changed) expect(after.updated_at > before.updated_at).toBe(true);
          else expect(after).toEqual(before);
          expect(after.completed_at).toBe(
            after.completed ? (before.completed ? before.completed_at : after.updated_at) : null,
          );
          expect((await call('GET', `/api/v1/todos/${before.id}`)).body).toEqual(after);
          before = after;
        }
      },
    ),
    { numRuns: 60 },
  );
});

test.each(PRESENT)('a merge patch that clears the field %s is rejected and changes nothing', async (field) => {
  const call = await api.createCaller();
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'present' })).body);
  const rejected = await call('PATCH', `/api/v1/todos/${todo.id}`, { priority: 1, [field]: null }, MERGE_PATCH);
  expect(rejected).toMatchObject({ status: 400, body: { errors: [{ field, expected: expect.any(String) }] } });
  expect((await call('GET', `/api/v1/todos/${todo.id}`)).body).toEqual(todo);
});

test('completed_at stays when a todo is completed again, and is cleared when the todo is reopened', async () => {
  const call = await api.createCaller();
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'done', completed: true })).body);
  expect(todo.completed_at).toBe(todo.created_at);
  const patch = async (body: object) => Todo.parse((await call('PATCH', `/api/v1/todos/${todo.id}`, body)).body);
  expect(await patch({ completed: true })).toEqual(todo);
  expect(await patch({ completed: true, title: 'done!' })).toMatchObject({ completed_at: todo.completed_at });
  expect(await patch({ completed: false })).toMatchObject({ completed: false, completed_at: null, version: 3 });
  await delay(2);
  const again = await patch({ completed: true });
  expect(again.completed_at).toBe(again.updated_at);
});

test('the same time with another offset and -0 for 0 are no changes', async () => {
  const call = await api.createCaller();
  const sent = { title: 'same', due_at: '2027-01-31T10:00:00+01:00', position: 0 };
  const todo = Todo.parse((await call('POST', '/api/v1/todos', sent)).body);
  expect(todo.due_at).toBe('2027-01-31T09:00:00.000Z');
  const bytes = Buffer.from('{"due_at":"2027-01-31T09:00:00.0009Z","position":-0}');
  expect((await call('PATCH', `/api/v1/todos/${todo.id}`, bytes, MERGE_PATCH)).body).toEqual(todo);
});

test('of due_at and due_on in a whole todo, the one with a new value counts', async () => {
  const call = await api.createCaller();
  const [time, day] = ['2027-01-31T09:00:00.000Z', '2027-02-01'];
  const created = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a', due_at: time })).body);
  const put = async (todo: Todo, changes: object) =>
    Todo.parse((await call('PUT', `/api/v1/todos/${todo.id}`, { ...todo, ...changes })).body);
  const onDay = await put(created, { due_on: day });
  expect(onDay).toMatchObject({ due_at: null, due_on: day, version: 2 });
  expect(await put(onDay, { due_at: time })).toMatchObject({ due_at: time, due_on: null, version: 3 });
});

test('a due time and a due day that are both new are rejected', async () => {
  const call = await api.createCaller();
  const both = { due_at: '2027-01-31T09:00:00Z', due_on: '2027-01-31' };
  const errors = [
    { field: 'due_on', expected: 'null, because due_at has a value: a todo is due at a time or on a day' },
  ];
  const rejected = { status: 400, body: { code: 'invalid_request', errors } };
  expect(await call('POST', '/api/v1/todos', { title: 'a', ...both })).toMatchObject(rejected);
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  for (const method of ['PATCH', 'PUT'])
    expect(await call(method, `/api/v1/todos/${todo.id}`, both)).toMatchObject(rejected);
  const line = Buffer.from(JSON.stringify({ title: 'a', ...both }));
  const imported = await call('POST', '/api/v1/todos/import', line, { 'content-type': 'application/jsonl' });
  expect(imported).toMatchObject({ status: 400, body: { errors: [{ field: expect.stringMatching(/due_on$/) }] } });
  const operations = [{ op: 'update', id: todo.id, changes: both }];
  const batch = await call('POST', '/api/v1/todos/batch', { operations });
  expect(batch).toMatchObject({ status: 400, body: { errors: [{ field: 'operations.0.changes.due_on' }] } });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([todo]);
});

/**
 * RFC 7396 with the rules of the contract: null sets a field that is not nullable to its default, and a value of `due_at` or
 * `due_on` clears the other.
 */
function merge(todo: ReturnType<typeof contentOf>, patch: object): object {
  const cleared: Record<string, unknown> = { priority: 4, tags: [] };
  const sent = Object.entries(patch).map(([name, value]) => [name, value ?? cleared[name] ?? null]);
  const merged = { ...todo, ...Object.fromEntries(sent) };
  if (Object(patch).due_at != null) return { ...merged, due_on: null };
  if (Object(patch).due_on != null) return { ...merged, due_at: null };
  return merged;
}

function contentOf({ title, description, completed, due_at, due_on, priority, tags, position }: Todo) {
  return { title, description, completed, due_at, due_on, priority, tags, position };
}

test('a JSON Patch is not taken for a merge patch', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const patch = [{ op: 'replace', path: '/title', value: 'b' }];
  const headers = { 'content-type': 'application/json-patch+json' };
  const { status, body, headers: received } = await call('PATCH', `/api/v1/todos/${id}`, patch, headers);
  expect([status, Object(body).code]).toEqual([415, 'unsupported_media_type']);
  expect(received.get('accept-patch')).toBe('application/merge-patch+json, application/json');
});
