import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { Todo } from '../../shared/todo/todo.ts';
import { anyTodo } from '../testing/arbitrary-todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';
import { exportTodos } from './export-todos.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const JSON_LINES = { 'content-type': 'application/jsonl' };
const Problem = z.object({ errors: z.array(z.object({ field: z.string(), expected: z.string() })) });

test('another subject can import an export without loss', async () => {
  const [one, other] = [await api.createCaller(), await api.createCaller()];
  const todos = fc.sample(anyTodo, 300);
  expect(await importLines(one, todos.map((todo) => JSON.stringify(todo)).join('\r\n'))).toMatchObject({
    status: 200,
    body: { created: 300, skipped: 0 },
  });
  const exported = await one('GET', '/api/v1/todos/export');
  expect(exported.headers.get('content-type')).toBe('application/jsonl');
  expect(exported.headers.get('content-disposition')).toBe('attachment; filename="todos.jsonl"');
  const lines = Buffer.from(String(exported.body));
  expect(await importLines(other, lines)).toMatchObject({ status: 200, body: { created: 300, skipped: 0 } });
  const [left, right] = [parse(exported.body), parse((await other('GET', '/api/v1/todos/export')).body)];
  expect(right.map(contentOf).sort()).toEqual(left.map(contentOf).sort());
  expect(right.map(({ id }) => id).sort()).toEqual(left.map(({ id }) => id).sort());
  expect(await importLines(other, lines)).toMatchObject({ status: 200, body: { created: 0, skipped: 300 } });
  expect(right.every(({ version }) => version === 1)).toBe(true);
});

test('an import skips todos that exist already, also deleted ones', async () => {
  const call = await api.createCaller();
  const id = randomUUID();
  const lines = `{"id":"${id.toUpperCase()}","title":"one"}\n\n{"title":"two"}\n{"id":"${id}","title":"one again"}`;
  expect((await importLines(call, lines)).body).toEqual({ created: 2, skipped: 1 });
  const { body } = await call('GET', '/api/v1/todos/export');
  expect(parse(body).map(({ title }) => title)).toEqual(['one', 'two']);
  expect(parse(body)[0]?.id).toBe(id);
  await call('DELETE', `/api/v1/todos/${id}`);
  expect((await importLines(call, Buffer.from(String(body)))).body).toEqual({ created: 0, skipped: 2 });
  expect((await call('GET', `/api/v1/todos/${id}`)).status).toBe(404);
});

test('an id that appears twice and belongs to another subject creates one todo', async () => {
  const [one, other] = [await api.createCaller(), await api.createCaller()];
  const lines = `{"id":"${randomUUID()}","title":"once"}`;
  await importLines(one, lines);
  expect((await importLines(other, `${lines}\n${lines}`)).body).toEqual({ created: 1, skipped: 1 });
});

test('concurrent imports of the same todos by several subjects are all complete', async () => {
  const callers = await Promise.all(Array.from({ length: 8 }, () => api.createCaller()));
  for (let round = 0; round < 3; round += 1) {
    const lines = Array.from({ length: 200 }, (_, index) => `{"id":"${randomUUID()}","title":"${index}"}`);
    // each import has the same ids in its own order, and some ids that only every second import has
    const answers = await Promise.all(
      callers.map((call, index) => importLines(call, (index % 2 ? lines.slice(20) : lines.toReversed()).join('\n'))),
    );
    expect(answers.map(({ status, body }) => [status, body])).toEqual(
      answers.map((_, index) => [200, { created: index % 2 ? 180 : 200, skipped: 0 }]),
    );
  }
});

test('imported todos are in the change feed and in the search', async () => {
  const call = await api.createCaller();
  await importLines(call, '{"title":"find me","completed":true,"completed_at":"2020-01-01T00:00:00Z"}');
  const [todo] = Todo.array().parse((await call('GET', '/api/v1/todos?q=find')).body);
  expect(todo).toMatchObject({ completed_at: '2020-01-01T00:00:00.000Z', version: 1 });
  expect((await call('GET', '/api/v1/todos/changes?since=0')).body).toMatchObject({
    changes: [{ change: 'created', todo }],
  });
});

test('a time of completion without completed: true is rejected', async () => {
  const call = await api.createCaller();
  const lines = ['{"title":"a"}', '{"title":"b","completed":false,"completed_at":"2027-01-01T00:00:00Z"}'];
  expect(await importLines(call, lines.join('\n'))).toMatchObject({
    status: 400,
    body: { errors: [{ expected: 'null, because completed is not true' }] },
  });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('an export without todos is empty', async () => {
  const call = await api.createCaller();
  const { status, headers, body } = await call('GET', '/api/v1/todos/export');
  expect([status, headers.get('content-type'), body]).toEqual([200, 'application/jsonl', '']);
});

test('a large export reads the database only as fast as the client reads the response', async () => {
  const sub = await addLarge();
  const response = await fetchExport(sub);
  expect(response.headers.get('transfer-encoding')).toBe('chunked');
  const reader = response.body?.getReader();
  const chunks = [(await reader?.read())?.value ?? new Uint8Array()];
  await delay(300);
  // the server has not read the later pages yet, so todos that are deleted now are not in them
  await api.em.fork().execute('update api.todo set deleted_at = now() where owner = ?', [sub]);
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) chunks.push(part.value);
  const todos = parse(Buffer.concat(chunks).toString());
  expect(todos.length).toBeGreaterThanOrEqual(200);
  expect(todos.length).toBeLessThan(2_000);
  // without a delete the export is complete
  await api.em.fork().execute('update api.todo set deleted_at = null where owner = ?', [sub]);
  const titles = parse(await (await fetchExport(sub)).text()).map(({ title }) => title);
  expect(titles).toEqual(Array.from({ length: 2_000 }, (_, index) => `todo ${index}`));
});

test('an export that fails after its first page breaks off', async () => {
  await using api = await startApi();
  const sub = await addLarge(api);
  const response = await fetchExport(sub, api);
  expect(response.status).toBe(200);
  await api.em.fork().execute('alter table api.todo rename to gone');
  await expect(response.text()).rejects.toThrow();
});

test('an export gets 500 if the first page cannot be read, and breaks off if a later page is not allowed', async () => {
  await using api = await startApi();
  const sub = await addLarge(api);
  await api.em.fork().execute('alter table api.todo rename to gone');
  const rejected = await fetchExport(sub, api);
  expect([rejected.status, rejected.headers.get('content-type')]).toEqual([500, 'application/problem+json']);
  expect(rejected.headers.get('content-disposition')).toBeNull();
  await api.em.fork().execute('alter table api.gone rename to todo');
  const chunks: string[] = [];
  let calls = 0;
  const beforePage = async () => {
    calls += 1;
    if (calls === 2) throw new Error('the access token was revoked');
  };
  const lines = await exportTodos(api.todos, sub, beforePage);
  await expect(
    (async () => {
      for await (const chunk of lines) chunks.push(String(chunk));
    })(),
  ).rejects.toThrow('the access token was revoked');
  expect(chunks).toHaveLength(2);
});

test('the connection can be used again after a rejected import', async () => {
  const token = await api.issueToken();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (method: string, path: string, body: string) =>
    new Promise<{ status: number | undefined; port: number | undefined }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/jsonl' };
      const sent = request({ host: '127.0.0.1', port: api.port, method, path, headers, agent }, (response) => {
        const { localPort: port } = response.socket;
        response.resume().on('end', () => resolve({ status: response.statusCode, port }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const { status, port } = await send(
    'POST',
    '/api/v1/todos/import',
    `${'{}\n'.repeat(30)}${' '.repeat(90_000)}\n`.repeat(20),
  );
  expect(status).toBe(400);
  expect(await send('GET', '/api/v1/todos', '')).toEqual({ status: 200, port });
  agent.destroy();
});

test.each([
  ['broken JSON', '{"title":"a"}\n{"title":', ['line 2: todo']],
  ['lines that are not objects', '["a"]\n"b"\nnull', ['line 1: todo', 'line 2: todo', 'line 3: todo']],
  [
    'an invalid field',
    '{"title":"a"}\n\n{"title":"a","priority":5,"tags":[1]}',
    ['line 3: priority', 'line 3: tags.0'],
  ],
  ['an unknown field', '{"title":"a","colour":"red"}', ['line 1: colour']],
  ['an invalid id', '{"title":"a","id":"1"}', ['line 1: id']],
  ['no title', '{}', ['line 1: title']],
  [
    'more members than a todo can have',
    `{"title":"a"}\n{${'"a":1,'.repeat(101)}"title":"a"}`.replaceAll('"a":1', () => `"${randomUUID()}":1`),
    ['line 2'],
  ],
  // without this check, such a line would overflow the stack when its hash is made
  [
    'a member that is nested too deep',
    `{"title":"a","version":${'['.repeat(40_000)}${']'.repeat(40_000)}}`,
    ['line 1'],
  ],
  ['a NUL', '{"title":"\\u0000"}', ['line 1: title']],
  ['a lone surrogate', '{"title":"\\ud800"}', ['line 1: title']],
  [
    'a time outside the supported years',
    '{"title":"a","created_at":"9999-12-31T23:59:59-01:00"}',
    ['line 1: created_at'],
  ],
  ['bytes that are not UTF-8', Buffer.from('{"title":"a"}\n{"title":"\xff"}', 'latin1'), ['body']],
  ['an incomplete character at the end', Buffer.from('{"title":"a"}\n\xe2\x82', 'latin1'), ['body']],
])('an import with %s is rejected with the line and the field, and nothing is imported', async (_, lines, fields) => {
  const call = await api.createCaller();
  const { status, body, headers } = await importLines(call, lines);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect({ status, body }).toMatchObject({
    status: 400,
    body: { errors: fields.map((field) => ({ field, expected: expect.any(String) })) },
  });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('a client that still sends a long import gets the response about its first lines', async () => {
  const call = await api.createCaller();
  const good = `{"title":"${'a'.repeat(490)}"}\n`.repeat(9_000);
  for (let round = 0; round < 3; round += 1) {
    expect(await importLines(call, `${'{}\n'.repeat(30)}${good}`)).toMatchObject({ status: 400 });
    expect(await importLines(call, Buffer.concat([Buffer.from([0xff]), Buffer.from(good)]))).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'body' }] },
    });
  }
});

test.each([
  ['too many bytes', `{"title":"${'a'.repeat(490)}"}\n`.repeat(20_100), 'body'],
  ['too many todos', '{"title":"a"}\n'.repeat(10_001), 'body'],
  ['too many lines, of which most are blank', `${' \n'.repeat(10_000)}{"title":"a"}`, 'body'],
  ['a line that is too long', `{"title":"a"}\n{"title":"${'a'.repeat(100_000)}"}\n`, 'line 2'],
  ['one endless line', 'a'.repeat(9_000_000), 'line 1'],
])('an import with %s gets 413', async (_, lines, field) => {
  const call = await api.createCaller();
  expect(await importLines(call, lines)).toMatchObject({
    status: 413,
    body: { errors: [{ field, expected: expect.any(String) }] },
  });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('an import of blank lines gets 413 after 10,000 of them, before the rest arrives', async () => {
  const token = await api.issueToken();
  const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...JSON_LINES, 'content-length': 10_000_000 };
    const path = '/api/v1/todos/import';
    const sent = request({ host: '127.0.0.1', port: api.port, method: 'POST', path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        sent.destroy();
        resolve({ status: response.statusCode, body });
      });
    });
    sent.on('error', reject);
    // the body is never completed
    sent.write('\n'.repeat(10_001));
  });
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'content_too_large', limit: 10_000, unit: 'lines' });
});

test('the response to an invalid import names 20 fields, also of one line', async () => {
  const call = await api.createCaller();
  const members = Array.from({ length: 30 }, (_, index) => [`member${index}`, 0]);
  const line = JSON.stringify(Object.fromEntries([['title', 'a'], ...members]));
  for (const lines of [line, `${'{}\n'.repeat(15)}${line}`, '{}\n'.repeat(30)]) {
    const { status, body } = await importLines(call, lines);
    expect([status, Problem.parse(body).errors.length]).toEqual([400, 20]);
  }
});

test('an import can have 10,000 todos', async () => {
  const call = await api.createCaller();
  expect((await importLines(call, '{"title":"a"}\n'.repeat(10_000))).body).toEqual({ created: 10_000, skipped: 0 });
  expect((await call('GET', '/api/v1/todos?limit=1&count=true')).headers.get('total-count')).toBe('10000');
});

test.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded'])(
  'an import as %s gets 415 with the expected media type',
  async (type) => {
    const call = await api.createCaller();
    const answer = await call('POST', '/api/v1/todos/import', Buffer.from('{"title":"a"}'), { 'content-type': type });
    expect(answer).toMatchObject({ status: 415, body: { detail: 'content-type: expected application/jsonl' } });
    expect(answer.headers.get('accept')).toBe('application/jsonl');
  },
);

test('a compressed import gets 415, and other media types of JSON Lines are accepted', async () => {
  const call = await api.createCaller();
  const send = (headers: Record<string, string>) =>
    call('POST', '/api/v1/todos/import', Buffer.from('{"title":"a"}'), headers);
  expect((await send({ ...JSON_LINES, 'content-encoding': 'gzip' })).status).toBe(415);
  for (const type of ['application/jsonl; charset=utf-8', 'application/x-ndjson', 'application/jsonlines'])
    expect(await send({ 'content-type': type })).toMatchObject({ status: 200, body: { created: 1, skipped: 0 } });
});

test('an import that the client aborts imports nothing, and later requests work', async () => {
  const sub = randomUUID();
  const [call, token] = [await api.createCaller({ sub }), await api.issueToken({ sub })];
  const socket = connect(api.port, '127.0.0.1');
  const head = [
    'POST /api/v1/todos/import HTTP/1.1',
    'host: localhost',
    `authorization: Bearer ${token}`,
    'content-type: application/jsonl',
    'content-length: 1000',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{"title":"first"}\n{"title":"second"}\n`);
  await delay(100);
  socket.destroy();
  await delay(100);
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
  expect((await importLines(call, '{"title":"first"}')).status).toBe(200);
});

function importLines(call: Caller, lines: string | Uint8Array) {
  return call('POST', '/api/v1/todos/import', Buffer.from(lines), JSON_LINES);
}

async function fetchExport(sub: string, { port, issueToken } = api): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/api/v1/todos/export`, {
    headers: { authorization: `Bearer ${await issueToken({ sub })}` },
  });
}

/** Adds more todos for a new subject than the buffers of a connection can hold. */
async function addLarge({ em } = api): Promise<string> {
  const owner = randomUUID();
  await em.fork().execute(
    `insert into api.todo (id, owner, title, description, completed, priority, tags, position, version, words, created_at, updated_at)
     select gen_random_uuid(), ?, 'todo ' || number, repeat('x', 10000), false, 4, '{}', number, 1, '', at, at
     from generate_series(0, 1999) as number, lateral (select now() + number * interval '1 second' as at) as time`,
    [owner],
  );
  return owner;
}

function parse(lines: unknown): Todo[] {
  return String(lines)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Todo.parse(JSON.parse(line)));
}

function contentOf({ id: _, version, updated_at, ...content }: Todo): string {
  return JSON.stringify(content);
}
