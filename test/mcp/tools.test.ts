import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { tools } from '../../mcp/tools/index.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { findUnstatedValues } from '../support/find-unstated-values.ts';
import { listTodos } from '../support/list-todos.ts';
import { type McpClient, TRANSPORTS } from '../support/mcp-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const ajv = addFormats.default(new Ajv2020({ strict: true, allowUnionTypes: true }));
const validators = new Map(tools.map(({ name, outputSchema }) => [name, ajv.compile(outputSchema)]));

const Result = z.object({
  isError: z.boolean().optional(),
  content: z.tuple([z.object({ type: z.literal('text'), text: z.string() })]),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
});
const Shown = z.looseObject({ id: z.string(), version: z.int() });
const List = z.object({ todos: z.array(Shown), total: z.int(), next_cursor: z.string().optional() });

/** Calls a tool that must succeed. Checks the result against the output schema, and that the text says the same. */
async function succeed(client: McpClient, name: string, args: Record<string, unknown> = {}) {
  const result = Result.parse(await client.callTool({ name, arguments: args }));
  const [{ text }] = result.content;
  expect(result.isError, text).toBeUndefined();
  const validate = validators.get(name);
  expect(validate?.(result.structuredContent), JSON.stringify(validate?.errors)).toBe(true);
  expect(findUnstatedValues(result.structuredContent, text)).toEqual([]);
  return { ...result, text, structured: result.structuredContent };
}

/** Calls a tool that must fail, and returns the text of its error. `reason` is what the error must say as data. */
async function fail(
  client: McpClient,
  name: string,
  args: Record<string, unknown> = {},
  reason: Record<string, unknown> = {},
): Promise<string> {
  const { isError, structuredContent, content, _meta } = Result.parse(await client.callTool({ name, arguments: args }));
  expect(_meta?.['yata/error']).toMatchObject({ code: expect.any(String), retryable: expect.any(Boolean), ...reason });
  // an error has no structured content, because clients validate it against the output schema
  expect({ isError, structuredContent }).toEqual({ isError: true, structuredContent: undefined });
  return content[0].text;
}

const everyField = {
  title: 'Book the train',
  description: 'Window seat\nNot the one at six',
  completed: true,
  due_at: '2027-01-31T09:00:00.000Z',
  priority: 1,
  tags: ['travel', 'paid by work'],
  position: 12.5,
};

test('the annotations of each tool say what it does to the data', () => {
  const hints = Object.fromEntries(tools.map((tool) => [tool.name, tool.annotations]));
  const annotations = (readOnlyHint: boolean, destructiveHint: boolean, idempotentHint: boolean) => ({
    readOnlyHint,
    destructiveHint,
    idempotentHint,
    openWorldHint: false,
  });
  expect(hints).toMatchObject({
    list_todos: annotations(true, false, true),
    get_todo: annotations(true, false, true),
    create_todo: annotations(false, false, false),
    update_todo: annotations(false, true, true),
    complete_todo: annotations(false, false, true),
    delete_todo: annotations(false, true, true),
    restore_todo: annotations(false, false, true),
    batch_todos: annotations(false, true, false),
    import_todos: annotations(false, false, true),
  });
});

describe.each(TRANSPORTS)('over %s', (_transport, connectOver) => {
  test('the result of every tool matches its output schema, and its text says the same', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const { structured } = await succeed(client, 'create_todo', everyField);
    const { id } = Shown.parse(structured);
    for (const [name, args] of [
      ['create_todo', { title: 'Plain' }],
      ['get_todo', { id }],
      ['get_todo', { id, response_format: 'concise' }],
      ['list_todos', {}],
      ['list_todos', { response_format: 'detailed' }],
      ['list_todos', { limit: 1 }],
      ['list_todos', { tag: 'none' }],
      ['update_todo', { id, description: null, due_at: null, priority: null, tags: null }],
      ['complete_todo', { id }],
      ['complete_todo', { id, completed: false }],
      ['delete_todo', { id }],
      ['restore_todo', { id }],
      ['import_todos', { content: '- [ ] Imported 🔁 every day', time_zone: 'Europe/Rome' }],
      ['import_todos', { content: 'x Imported', format: 'todotxt', dry_run: true }],
      ['import_todos', { content: '\n', format: 'todotxt' }],
      [
        'batch_todos',
        {
          operations: [
            { op: 'create', ...everyField },
            { op: 'update', id, priority: 2 },
            { op: 'delete', id },
            { op: 'restore', id },
          ],
        },
      ],
    ] as const)
      await succeed(client, name, args);
  });

  test('concise contains what the next call needs, and detailed contains every field of the API', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    await succeed(client, 'create_todo', everyField);
    const [todo] = await listTodos(system, credentials);
    const { id, title, completed, version, due_at, priority, tags } = Todo.parse(todo);
    const concise = { id, title, completed, version, due_at, priority, tags };
    const list = async (args: Record<string, unknown>) => (await succeed(client, 'list_todos', args)).structured;
    const get = async (args: Record<string, unknown>) =>
      (await succeed(client, 'get_todo', { id, ...args })).structured;
    expect(await list({})).toEqual({ todos: [concise], total: 1 });
    expect(await list({ response_format: 'concise' })).toEqual({ todos: [concise], total: 1 });
    expect(await list({ response_format: 'detailed' })).toEqual({ todos: [todo], total: 1 });
    expect(await get({})).toEqual(todo);
    expect(await get({ response_format: 'detailed' })).toEqual(todo);
    expect(await get({ response_format: 'concise' })).toEqual(concise);
    expect(await fail(client, 'get_todo', { id, response_format: 'long' })).toMatch(
      /response_format: expected concise or detailed\./,
    );
  });

  test('each page has the total, and next_cursor leads through all pages', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    for (const from of [1, 31])
      await succeed(client, 'batch_todos', {
        operations: Array.from({ length: 30 }, (_, index) => ({ op: 'create', title: `Todo ${from + index}` })),
      });
    const seen: string[] = [];
    const counts: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await succeed(client, 'list_todos', { ...(cursor && { cursor }), sort: 'position' });
      const { todos, total, next_cursor } = List.parse(page.structured);
      expect(total).toBe(60);
      expect(page.text).toContain(`\n${todos.length} of 60.${next_cursor ? ` Next page: cursor ${next_cursor}` : ''}`);
      counts.push(todos.length);
      seen.push(...todos.map(({ id }) => id));
      cursor = next_cursor;
    } while (cursor !== undefined);
    expect(counts).toEqual([25, 25, 10]);
    expect(seen).toEqual((await listTodos(system, credentials)).map(({ id }) => id));

    const { structured } = await succeed(client, 'list_todos', { sort: 'position', limit: 10 });
    const cursorError =
      'The cursor does not belong to this list. Send the next_cursor of the previous page with the same other arguments, or';
    const { next_cursor } = List.parse(structured);
    const otherOrder = { sort: 'priority', cursor: next_cursor };
    expect(await fail(client, 'list_todos', otherOrder, { code: 'invalid_cursor' })).toContain(cursorError);
    expect(await fail(client, 'list_todos', { sort: 'position', cursor: next_cursor?.slice(5) })).toContain(
      cursorError,
    );
    const before = await succeed(client, 'list_todos', { limit: 59, sort: 'position' });
    await succeed(client, 'delete_todo', { id: (await listTodos(system, credentials)).at(-1)?.id });
    const rest = { limit: 59, sort: 'position', cursor: List.parse(before.structured).next_cursor };
    expect((await succeed(client, 'list_todos', rest)).text).toBe('No more todos. All pages together have 59.');
    for (const limit of [0, 101, 1.5])
      expect(await fail(client, 'list_todos', { limit })).toMatch(/limit: expected a whole number from 1 to 100\./);
  });

  test('each filter selects its todos, and a query without words is rejected', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const operations = [
      { op: 'create', title: 'Late', due_at: '2020-01-01T00:00:00Z', priority: 1 },
      { op: 'create', title: 'Soon', due_at: '2090-01-01T00:00:00Z', tags: ['home'] },
      { op: 'create', title: 'Done', completed: true, description: 'about late trains' },
    ];
    await succeed(client, 'batch_todos', { operations });
    const titles = async (args: Record<string, unknown>) => {
      const { structured } = await succeed(client, 'list_todos', args);
      return z
        .object({ todos: z.array(z.object({ title: z.string() })) })
        .parse(structured)
        .todos.map(({ title }) => title);
    };
    expect(await titles({ completed: true })).toEqual(['Done']);
    expect(await titles({ due_before: '2021-01-01T00:00:00+02:00' })).toEqual(['Late']);
    expect(await titles({ due_after: '2021-01-01T00:00:00Z' })).toEqual(['Soon']);
    expect(await titles({ priority: 1 })).toEqual(['Late']);
    expect(await titles({ tag: 'home' })).toEqual(['Soon']);
    expect(await titles({ query: 'LATE' })).toEqual(['Late', 'Done']);
    expect(await titles({ query: 'late train', completed: true })).toEqual(['Done']);
    expect(await titles({ sort: '-priority' })).toEqual(['Done', 'Soon', 'Late']);
    for (const query of ['', ' ?! '])
      expect(await fail(client, 'list_todos', { query })).toBe(
        'The arguments of list_todos are not valid. query: expected at least one word, or no query. Nothing was done.',
      );
    expect(await fail(client, 'list_todos', { query: 'a b c d e f g h i j k' })).toContain('at most 10 words');
  });

  test('a stale version changes nothing, and the error names the current version', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const { id } = Shown.parse((await succeed(client, 'create_todo', { title: 'One' })).structured);
    await succeed(client, 'update_todo', { id, title: 'Two', expected_version: 1 });
    const before = await listTodos(system, credentials);
    const stale = { id, expected_version: 1 };
    for (const [name, args] of [
      ['update_todo', { ...stale, title: 'Three' }],
      ['complete_todo', stale],
      ['delete_todo', stale],
    ] as const)
      expect(await fail(client, name, args, { code: 'version_mismatch', current_version: 2 })).toBe(
        'The todo has changed: its version is now 2. Nothing was done. Call get_todo, then decide again.',
      );
    expect(
      await fail(
        client,
        'batch_todos',
        { operations: [{ op: 'update', ...stale, title: 'Three' }] },
        { code: 'batch_rejected', operations: [{ index: 0, code: 'version_mismatch', current_version: 2 }] },
      ),
    ).toBe(
      'The batch was rejected. None of its operations was done. operations.0: the todo has changed, its version is now 2. Call list_todos, then send a corrected batch.',
    );
    expect(await listTodos(system, credentials)).toEqual(before);
    await succeed(client, 'delete_todo', { id, expected_version: 2 });
    expect(await listTodos(system, credentials)).toEqual([]);
  });

  test('update_todo rejects a time and a day together, before it calls the API', async () => {
    await using client = await connectOver(system, await system.registerClient());
    const args = { id: '00000000-0000-4000-8000-000000000000', due_at: '2027-01-31T09:00:00Z', due_on: '2027-01-31' };
    expect(await fail(client, 'update_todo', args, { code: 'invalid_arguments', retryable: false })).toBe(
      'The arguments of update_todo are not valid. due_on: expected null, because due_at has a value: a todo is due at a time or on a day. Nothing was done.',
    );
  });

  test('a call that is repeated with its idempotency key happens once, and another call with the key is rejected', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const once = { title: 'Once', idempotency_key: 'a-1' };
    const first = await succeed(client, 'create_todo', once);
    expect((await succeed(client, 'create_todo', once)).structured).toEqual(first.structured);
    expect(await fail(client, 'create_todo', { ...once, title: 'Other' }, { code: 'idempotency_key_reused' })).toBe(
      'This idempotency_key was used for a different call. Nothing was done. Use a new key.',
    );
    const batch = { operations: [{ op: 'create', title: 'In a batch' }], idempotency_key: 'b-1' };
    const firstBatch = await succeed(client, 'batch_todos', batch);
    expect((await succeed(client, 'batch_todos', batch)).structured).toEqual(firstBatch.structured);
    expect((await listTodos(system, credentials)).map(({ title }) => title)).toEqual(['Once', 'In a batch']);
    expect(await fail(client, 'create_todo', { title: 'No', idempotency_key: 'with "quotes"' })).toMatch(
      /idempotency_key: expected 1 to 255 visible characters without quotes/,
    );
  });

  test('a batch is atomic, and its error names the failed operations by number', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const { id } = Shown.parse((await succeed(client, 'create_todo', { title: 'There' })).structured);
    const before = await listTodos(system, credentials);
    const absent = '00000000-0000-4000-8000-000000000000';
    const operations = [
      { op: 'create', title: 'New' },
      { op: 'update', id: absent, title: 'No' },
      { op: 'update', id, title: 'Changed' },
      { op: 'delete', id, expected_version: 9 },
    ];
    const rejected = [
      { index: 1, code: 'todo_not_found' },
      { index: 3, code: 'version_mismatch', current_version: 2 },
    ];
    expect(await fail(client, 'batch_todos', { operations }, { code: 'batch_rejected', operations: rejected })).toBe(
      'The batch was rejected. None of its operations was done. operations.1: there is no todo with this id. operations.3: the todo has changed, its version is now 2. Call list_todos, then send a corrected batch.',
    );
    expect(await listTodos(system, credentials)).toEqual(before);
    for (const [operation, text] of [
      [{ op: 'create' }, 'operations.0.title: expected a string of at most 500 characters.'],
      [{ op: 'update', title: 'x' }, 'operations.0.id: expected a UUID.'],
      [{ op: 'delete', id, title: 'x' }, 'operations.0.title: expected no such field.'],
      [{ op: 'create', title: 'x', id }, 'operations.0.id: expected no such field.'],
      [{ op: 'create', title: 'x', expected_version: 1 }, 'operations.0.expected_version: expected no such field.'],
      [{ op: 'drop', id }, 'operations.0.op: expected create, update, delete or restore.'],
    ] as const)
      expect(await fail(client, 'batch_todos', { operations: [operation] })).toContain(text);
    expect(await fail(client, 'batch_todos', { operations: [] })).toContain('at least one operation');
    const many = Array.from({ length: 51 }, () => ({ op: 'create', title: 'x' }));
    expect(await fail(client, 'batch_todos', { operations: many })).toContain('at most 50 operations');
    expect(await listTodos(system, credentials)).toEqual(before);
    const [create, , change] = operations;
    const { structured } = await succeed(client, 'batch_todos', { operations: [create, change] });
    expect(structured).toMatchObject({
      results: [
        { op: 'create', todo: { title: 'New' } },
        { op: 'update', id },
      ],
    });
    expect((await listTodos(system, credentials)).map(({ title }) => title)).toEqual(['Changed', 'New']);
  });

  test('the text of another program becomes todos, once, with progress and with what is not kept', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    const content = Array.from({ length: 450 }, (_, index) => `- [ ] Todo ${index} 🔁 every week\n`).join('');
    const found = { total: 450, format: 'markdown', time_zone: 'UTC', not_kept: [{ what: 'recurrence', count: 450 }] };
    const dry = await succeed(client, 'import_todos', { content, dry_run: true });
    expect(dry.structured).toEqual({ ...found, dry_run: true });
    expect(dry.text).toBe(
      '450 todos found. Nothing was imported, because dry_run is true. Format markdown, time zone UTC. Not kept, or only as words: "recurrence" (450 todos).',
    );
    expect(await listTodos(system, credentials)).toEqual([]);

    const reported: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => reported.push(progress);
    const call = { name: 'import_todos', arguments: { content } };
    expect(await client.callTool(call, undefined, { onprogress })).toMatchObject({
      structuredContent: { ...found, created: 450, skipped: 0 },
    });
    // the client of the SDK drops what arrives together with the response
    expect(reported.slice(0, 3)).toEqual([0, 200, 400]);
    const again = await succeed(client, 'import_todos', { content });
    expect(again.structured).toEqual({ ...found, created: 0, skipped: 450 });
    expect(again.text).toBe(
      '450 todos found, 0 created, 450 skipped because they exist or were deleted. Format markdown, time zone UTC. Not kept, or only as words: "recurrence" (450 todos).',
    );
    const exported = await succeed(client, 'import_todos', { content: '{"title":"A"}', dry_run: true });
    expect(exported.structured).toEqual({ total: 1, dry_run: true, format: 'jsonl' });
    expect(exported.text).toBe('1 todos found. Nothing was imported, because dry_run is true. Format jsonl.');
  });

  test('content that cannot be imported is an error that says why, and nothing is imported', async () => {
    const credentials = await system.registerClient();
    await using client = await connectOver(system, credentials);
    for (const [args, text] of [
      [{ content: 'Dear diary' }, /^The content cannot be imported\. The format of the file is not recognized\./],
      [
        { content: '{"title":"A"}\n{"title":7}' },
        /Line 2: title: expected a string of at most 500 characters\. Nothing/,
      ],
      [{ content: 'x\n'.repeat(10_001), format: 'todotxt' }, /It has more than 10000 todos\. Split it/],
      [{ content: '- [ ] A', format: 'pdf' }, /format: expected one of todoist, /],
      [{ content: '- [ ] A', time_zone: 'Mars/Base' }, /time_zone: expected /],
      [{ content: '' }, /content: expected a text of 1 to 500000 characters/],
      [{ content: 'x'.repeat(500_001) }, /content: expected a text of 1 to 500000 characters/],
    ] as const)
      expect(await fail(client, 'import_todos', args, { code: 'invalid_arguments', retryable: false })).toMatch(text);
    expect(await listTodos(system, credentials)).toEqual([]);
  });

  test("another subject's todo is reported as not found", async () => {
    const [owner, other] = [await system.registerClient(), await system.registerClient()];
    await using owning = await connectOver(system, owner);
    await using client = await connectOver(system, other);
    const { id } = Shown.parse((await succeed(owning, 'create_todo', { title: 'Mine' })).structured);
    const absent = 'There is no todo with this id. Call list_todos to get the ids.';
    for (const name of ['get_todo', 'update_todo', 'complete_todo', 'delete_todo', 'restore_todo'])
      expect(await fail(client, name, { id }, { code: 'todo_not_found' }), name).toBe(absent);
    expect((await succeed(client, 'list_todos')).structured).toEqual({ todos: [], total: 0 });
    expect((await listTodos(system, owner)).map(({ title, version }) => [title, version])).toEqual([['Mine', 1]]);
  });
});
