import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Todo } from '../../shared/todo/todo.ts';
import { anyPosition, anyTags, anyText, anyTime, anyTodo } from '../testing/arbitrary-todo.ts';
import { startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' };
const PRESENT = ['title', 'completed', 'position'];

const anyPatch = fc.record(
  {
    title: anyText,
    description: fc.option(anyText),
    completed: fc.boolean(),
    due_at: fc.option(anyTime),
    priority: fc.option(fc.integer({ min: 1, max: 4 })),
    tags: fc.option(anyTags),
    position: anyPosition,
  },
  { requiredKeys: [] },
);

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

/** RFC 7396 with the rule of the contract: null sets a field that is not nullable to its default. */
function merge(todo: ReturnType<typeof contentOf>, patch: object): object {
  const cleared: Record<string, unknown> = { priority: 4, tags: [] };
  const sent = Object.entries(patch).map(([name, value]) => [name, value ?? cleared[name] ?? null]);
  return { ...todo, ...Object.fromEntries(sent) };
}

function contentOf({ title, description, completed, due_at, priority, tags, position }: Todo) {
  return { title, description, completed, due_at, priority, tags, position };
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
