import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { BatchResults } from '../../shared/todo/batch.ts';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { todo as exampleTodo } from '../openapi/examples.ts';
import { TRANSFER_PATHS } from '../openapi/paths/transfer.ts';
import { createSchemas } from '../openapi/schemas.ts';
import { CLIENT_FIELDS, FIELDS, sampleTodo } from '../testing/sample-todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';

// After a field is added to `Todo`, the compiler or a test of this file fails for each place that lacks the field.

type Fields = Readonly<Record<string, unknown>>;

const sample = sampleTodo(1);
const other = sampleTodo(2);
const schemas: Readonly<Record<string, { properties?: Fields }>> = createSchemas();
const importedLine =
  TRANSFER_PATHS['/todos/import']?.post?.requestBody?.content['application/jsonl']?.['x-item-schema'];

let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Each place that must know every field. It returns a todo, and the fields that the todo must have there. */
const PLACES: Readonly<Record<string, (call: Caller, created: Todo) => Promise<{ todo: unknown; expected: Fields }>>> =
  {
    POST: async (_, created) => ({ todo: created, expected: sample }),
    GET: async (call, created) => ({ todo: (await call('GET', pathOf(created))).body, expected: created }),
    list: async (call, created) => ({ todo: first((await call('GET', '/api/v1/todos')).body), expected: created }),
    changes: async (call, created) => {
      const { body } = await call('GET', '/api/v1/todos/changes?since=0');
      return { todo: ChangeFeed.parse(body).changes[0]?.todo, expected: created };
    },
    export: async (call, created) => ({ todo: JSON.parse(await exported(call)), expected: created }),
    async import(call, created) {
      const importer = await api.createCaller();
      const id = randomUUID();
      const line = (await exported(call)).replace(created.id, id);
      const headers = { 'content-type': 'application/jsonl' };
      expect((await importer('POST', '/api/v1/todos/import', Buffer.from(line), headers)).status).toBe(200);
      const { body } = await importer('GET', '/api/v1/todos');
      const { updated_at: _, ...expected } = created;
      return { todo: first(body), expected: { ...expected, id } };
    },
    async PATCH(call, created) {
      for (const field of CLIENT_FIELDS) await call('PATCH', pathOf(created), { [field]: other[field] });
      return { todo: (await call('GET', pathOf(created))).body, expected: other };
    },
    PUT: async (call, created) => ({ todo: (await call('PUT', pathOf(created), other)).body, expected: other }),
    async 'GET after PUT'(call, created) {
      await call('PUT', pathOf(created), other);
      return { todo: (await call('GET', pathOf(created))).body, expected: other };
    },
    async restore(call, created) {
      await call('DELETE', pathOf(created));
      return { todo: (await call('POST', `${pathOf(created)}/restore`)).body, expected: sample };
    },
    async 'batch: create'(call) {
      const { body } = await call('POST', '/api/v1/todos/batch', { operations: [{ op: 'create', todo: sample }] });
      return { todo: BatchResults.parse(body).results[0]?.todo, expected: sample };
    },
    async 'batch: update'(call, { id }) {
      const operations = [{ op: 'update', id, changes: other }];
      const { body } = await call('POST', '/api/v1/todos/batch', { operations });
      return { todo: BatchResults.parse(body).results[0]?.todo, expected: other };
    },
    async 'repeated request with an Idempotency-Key'(call) {
      const headers = { 'idempotency-key': randomUUID() };
      const { body } = await call('POST', '/api/v1/todos', sample, headers);
      return { todo: (await call('POST', '/api/v1/todos', sample, headers)).body, expected: Todo.parse(body) };
    },
    'OpenAPI: example': async () => ({ todo: exampleTodo, expected: exampleTodo }),
    'OpenAPI: Todo': async () => ({ todo: schemas.Todo?.properties, expected: {} }),
    'OpenAPI: a line of an import': async () => ({ todo: importedLine?.properties, expected: {} }),
  };

test.each(Object.keys(PLACES))('%s has every field of a todo', async (place) => {
  const { todo, expected } = await observe(place);
  expect(lostFields(todo, expected)).toEqual([]);
  // the check itself fails when any one field is missing, or has lost its value
  for (const field of FIELDS) {
    const { [field]: _, ...rest } = todo;
    expect(lostFields(rest, expected)).toEqual([field]);
    if (field in expected) expect(lostFields({ ...todo, [field]: 'lost' }, expected)).toEqual([field]);
  }
});

test('the description lists the fields that a client sets when it creates or changes a todo', () => {
  const fieldsOf = (name: string) => Object.keys(schemas[name]?.properties ?? {}).sort();
  expect(fieldsOf('NewTodo')).toEqual([...CLIENT_FIELDS].sort());
  // a client can send back what it has read
  expect(fieldsOf('SentTodo')).toEqual([...FIELDS].sort());
});

/** Creates a todo whose fields all have a value that is not the default, and returns it as a place has it. */
async function observe(place: string): Promise<{ todo: Fields; expected: Fields }> {
  const call = await api.createCaller();
  const created = await call('POST', '/api/v1/todos', sample);
  expect(created.status).toBe(201);
  const { todo, expected = {} } = (await PLACES[place]?.(call, Todo.parse(created.body))) ?? {};
  return { todo: z.record(z.string(), z.unknown()).parse(todo), expected };
}

/** The fields that are absent, or do not have their expected value. */
function lostFields(todo: Fields, expected: Fields): string[] {
  return FIELDS.filter((field) => !(field in todo) || (field in expected && !equals(todo[field], expected[field])));
}

function equals(found: unknown, expected: unknown): boolean {
  try {
    expect(found).toEqual(expected);
    return true;
  } catch {
    return false;
  }
}

async function exported(call: Caller): Promise<string> {
  return String((await call('GET', '/api/v1/todos/export')).body).split('\n')[0] ?? '';
}

function first(body: unknown): unknown {
  return z.array(z.unknown()).parse(body)[0];
}

function pathOf({ id }: Todo): string {
  return `/api/v1/todos/${id}`;
}
