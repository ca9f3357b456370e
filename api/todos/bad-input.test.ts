import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { SORTS } from '../../shared/todo/list-query.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), expected: z.string() })).min(1),
});

/** Every endpoint with a JSON body, and the path to the fields of the todo in this body. */
const BODIES = [
  ['POST', '/api/v1/todos', '', (todo: string) => todo],
  ['PATCH', `/api/v1/todos/${UNKNOWN}`, '', (todo: string) => todo],
  ['PUT', `/api/v1/todos/${UNKNOWN}`, '', (todo: string) => todo],
  [
    'POST',
    '/api/v1/todos/batch',
    'operations.0.todo.',
    (todo: string) => `{"operations":[{"op":"create","todo":${todo}}]}`,
  ],
  [
    'POST',
    '/api/v1/todos/batch',
    'operations.0.changes.',
    (todo: string) => `{"operations":[{"op":"update","id":"${UNKNOWN}","changes":${todo}}]}`,
  ],
] as const;

const FIELDS = [
  ['title', '1'],
  ['title', '""'],
  ['title', 'null'],
  ['title', '{}'],
  ['title', `"${'a'.repeat(501)}"`],
  ['title', `"${'a'.repeat(90_000)}"`],
  ['title', '"nul \\u0000"'],
  ['title', '"lone \\udc00"'],
  ['description', '1'],
  ['description', '["a"]'],
  ['description', '"\\ud83d"'],
  ['completed', '"true"'],
  ['completed', '0'],
  ['completed', 'null'],
  ['due_at', '"tomorrow"'],
  ['due_at', '1795472920655'],
  ['due_at', '"2027-01-31"'],
  ['due_at', '"2027-02-30T00:00:00Z"'],
  ['due_at', '"2027-01-31T09:00:00"'],
  ['due_at', '"0000-01-01T00:00:00Z"'],
  ['due_at', '"0001-01-01T00:00:00+01:00"'],
  ['due_at', '"9999-12-31T23:59:59-00:01"'],
  ['due_at', '"10000-01-01T00:00:00Z"'],
  ['due_at', '"+275760-09-13T00:00:00.000Z"'],
  ['due_at', '"-000001-01-01T00:00:00Z"'],
  ['due_at', '"infinity"'],
  ['due_at', '"2027-01-31T24:00:00Z"'],
  ['due_at', '"2027-01-31T09:00:00+24:00"'],
  ['due_on', '"tomorrow"'],
  ['due_on', '1795472920655'],
  ['due_on', '"2027-01-31T09:00:00Z"'],
  ['due_on', '"2027-02-29"'],
  ['due_on', '"2027-1-31"'],
  ['due_on', '"0000-01-01"'],
  ['due_on', '"10000-01-01"'],
  ['due_on', '"infinity"'],
  ['priority', '0'],
  ['priority', '5'],
  ['priority', '1.5'],
  ['priority', '"1"'],
  ['priority', '1e400'],
  ['priority', '18446744073709551616'],
  ['tags', '"a"'],
  ['tags', '{"0":"a"}'],
  ['tags', '["a","a"]'],
  ['tags.0', '[null]'],
  ['tags.0', '[""]'],
  ['tags.0', `["${'a'.repeat(51)}"]`],
  ['tags.1', '["a","\\u0000"]'],
  ['tags', `[${Array.from({ length: 21 }, (_, index) => `"${index}"`).join(',')}]`],
  ['position', '"1"'],
  ['position', 'null'],
  ['position', '1e400'],
  ['position', '-1e400'],
  ['position', '18446744073709551616'],
  ['id', `"${UNKNOWN}"`],
  ['version', '1'],
  ['owner', '"me"'],
  ['__proto__', '{"title":"a"}'],
  ['constructor', '1'],
] as const;

test.each(FIELDS)('every endpoint rejects the field %s with the value %.50s and names it', async (field, value) => {
  const call = await api.createCaller();
  for (const [method, path, prefix, wrap] of BODIES) {
    const name = field.split('.')[0] ?? '';
    // a client can send back the todo that it has read
    if ((method === 'PATCH' || method === 'PUT') && (name === 'id' || name === 'version')) continue;
    const todo = `{${name === 'title' ? '' : '"title":"a",'}"${name}":${value}}`;
    await expectRejected(call(method, path, Buffer.from(wrap(todo))), [400], prefix + field);
  }
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test.each([
  ['', 'body'],
  ['{', 'body'],
  ['{"title":"a"} {}', 'body'],
  ["{'title':'a'}", 'body'],
  ['NaN', 'body'],
  ['null', 'body'],
  ['[]', 'body'],
  ['"title"', 'body'],
  ['1e400', 'body'],
  ['['.repeat(49_000) + ']'.repeat(49_000), 'body'],
  [`${'{"title":'.repeat(9_000)}1${'}'.repeat(9_000)}`, 'body'],
  ['"\ud800"', 'body'],
])('every endpoint rejects the body %.30s', async (body, field) => {
  const call = await api.createCaller();
  for (const [method, path, prefix, wrap] of BODIES) {
    // an invalid todo is an invalid batch too
    if (prefix === '') await expectRejected(call(method, path, Buffer.from(body)), [400], field);
    else await expectRejected(call(method, path, Buffer.from(wrap(body))), [400]);
  }
});

test.each([
  ['{}', 'operations'],
  ['{"operations":[]}', 'operations'],
  ['{"operations":{}}', 'operations'],
  ['{"operations":[1]}', 'operations.0'],
  ['{"operations":[{}]}', 'operations.0.op'],
  ['{"operations":[{"op":"drop"}]}', 'operations.0.op'],
  ['{"operations":[{"op":"delete"}]}', 'operations.0.id'],
  ['{"operations":[{"op":"delete","id":"1"}]}', 'operations.0.id'],
  [`{"operations":[{"op":"delete","id":"${UNKNOWN}","version":0}]}`, 'operations.0.version'],
  [`{"operations":[{"op":"delete","id":"${UNKNOWN}","version":1e400}]}`, 'operations.0.version'],
  [`{"operations":[{"op":"delete","id":"${UNKNOWN}","version":2147483648}]}`, 'operations.0.version'],
  [`{"operations":[{"op":"delete","id":"${UNKNOWN}","changes":{}}]}`, 'operations.0.changes'],
  [`{"operations":[{"op":"update","id":"${UNKNOWN}"}]}`, 'operations.0.changes'],
  [`{"operations":[{"op":"restore","id":"${UNKNOWN}"},{"op":"create"}]}`, 'operations.1.todo'],
  ['{"operations":[],"more":1}', 'more'],
])('the batch %s is rejected because of %s', async (body, field) => {
  const call = await api.createCaller();
  await expectRejected(call('POST', '/api/v1/todos/batch', Buffer.from(body)), [400], field);
});

test.each([
  ['completed', 'yes'],
  ['completed', ''],
  ['due_before', '2027-01-32'],
  ['due_after', '0000-01-01T00:00:00Z'],
  ['due_after', '9999-12-31T23:59:59-01:00'],
  ['due_before', '2027-02-29'],
  ['due_before', '0000-01-01'],
  ['time_zone', ''],
  ['time_zone', 'Europe/Nowhere'],
  ['time_zone', '+02:00'],
  ['time_zone', '-0500'],
  ['time_zone', 'GMT+2'],
  ['time_zone', "'; drop table api.todo"],
  ['time_zone', 'A'.repeat(101)],
  ['time_zone', '2027-01-31T09:00:00Z'],
  ['time_zone', '2027-01-31T09:00:00+02:00[Asia/Tokyo]'],
  ['due_before', '2027-01-31 09:00'],
  ['priority', '0'],
  ['priority', '5'],
  ['priority', '1.0'],
  ['priority', '١'],
  ['priority', '18446744073709551616'],
  ['tag', ''],
  ['tag', ' '],
  ['tag', '\0'],
  ['tag', 'a'.repeat(51)],
  ['q', 'a'.repeat(201)],
  ['q', 'a b c d e f g h i j k'],
  ['sort', 'title'],
  ['sort', 'created_at,id'],
  ['sort', '--due_at'],
  ['sort', 'Created_at'],
  ['sort', '__proto__'],
  ['limit', '0'],
  ['limit', '201'],
  ['limit', '-1'],
  ['limit', '1e2'],
  ['limit', ' 1'],
  ['limit', '99999999999999999999'],
  ['count', '1'],
  ['colour', 'red'],
  ['__proto__', '1'],
  ['Limit', '1'],
])('the parameter %s=%.40s is rejected by name', async (name, value) => {
  const call = await api.createCaller();
  const query = new URLSearchParams([[name, value]]);
  await expectRejected(call('GET', `/api/v1/todos?${query}`), [400], name);
});

test.each([
  'completed',
  'due_before',
  'due_after',
  'time_zone',
  'priority',
  'tag',
  'q',
  'sort',
  'limit',
  'cursor',
  'count',
])('a repeated parameter %s is rejected', async (name) => {
  const call = await api.createCaller();
  await expectRejected(call('GET', `/api/v1/todos?${name}=1&${name}=1`), [400], name);
});

test.each([
  ['since', ''],
  ['since', '-1'],
  ['since', '1.5'],
  ['since', '0x1'],
  ['since', '18446744073709551616'],
  ['since', "0'; drop table api.todo"],
  ['limit', '0'],
  ['limit', '201'],
  ['limit', '999999999999'],
  ['cursor', 'a'],
])('the parameter %s=%s of the change feed is rejected by name', async (name, value) => {
  const call = await api.createCaller();
  const query = new URLSearchParams([[name, value]]);
  const rejected = call('GET', `/api/v1/todos/changes?${query}`, undefined, { prefer: 'wait=15' });
  await expectRejected(rejected, [400], name);
  await expectRejected(call('GET', `/api/v1/todos/changes?since=0&${name}=1&${name}=1`), [400], name);
});

test('a cursor that this list did not return is rejected', async () => {
  const call = await api.createCaller();
  for (let index = 0; index < 3; index += 1) await call('POST', '/api/v1/todos', { title: `${index}` });
  const cursorOf = async (sort: string) => {
    const link = (await call('GET', `/api/v1/todos?limit=1&sort=${sort}`)).headers.get('link') ?? '';
    return new URL(/<(.*)>/.exec(link)?.[1] ?? '').searchParams.get('cursor') ?? '';
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const time = '2027-01-31T09:00:00.000Z';
  const wrong = [
    ...['', 'x', 'not a cursor', '%00', '../../etc/passwd', 'a'.repeat(1_000), 'a'.repeat(1_001)],
    ...[null, 1, 'created_at', {}, [], ['created_at'], ['created_at', time], ['created_at', time, UNKNOWN, 1]].map(
      encode,
    ),
    ...[
      ['created_at', 1, UNKNOWN],
      ['created_at', 'infinity', UNKNOWN],
      ['created_at', '0000-01-01T00:00:00Z', UNKNOWN],
      ['created_at', time, 'id'],
      ['created_at', time, null],
      ['created_at', { toString: 1 }, UNKNOWN],
      ['__proto__', time, UNKNOWN],
    ].map(encode),
    Buffer.from('["created_at",1e400,"').toString('base64url'),
  ];
  for (const cursor of wrong)
    await expectRejected(call('GET', `/api/v1/todos?${new URLSearchParams({ cursor })}`), [400], 'cursor');
  for (const [sort, value] of [
    ['position', '1e400'],
    ['position', '"1"'],
    ['priority', '18446744073709551616'],
    ['priority', '1.5'],
    ['due_at', '"-infinity"'],
    ['due_at', '"2027-02-29"'],
    ['due_at', 'null'],
  ]) {
    const rest = sort === 'position' ? '' : `"${time}",`;
    const cursor = Buffer.from(`["${sort}",${value},${rest}"${UNKNOWN}"]`).toString('base64url');
    await expectRejected(call('GET', `/api/v1/todos?sort=${sort}&cursor=${cursor}`), [400], 'cursor');
  }
  for (const sort of SORTS) {
    const cursor = await cursorOf(sort);
    expect((await call('GET', `/api/v1/todos?limit=1&sort=${sort}&cursor=${cursor}`)).status).toBe(200);
    for (const other of SORTS.filter((other) => other !== sort))
      await expectRejected(call('GET', `/api/v1/todos?sort=${other}&cursor=${cursor}`), [400], 'cursor');
    const truncated = cursor.slice(0, cursor.length / 2);
    await expectRejected(call('GET', `/api/v1/todos?sort=${sort}&cursor=${truncated}`), [400], 'cursor');
  }
});

test.each(['1', 'x'.repeat(4_000), '%00', '%ED%A0%80', '%E0%A4%A', '%', '%2e%2e', `${UNKNOWN}%0a`, '{id}', '*'])(
  'every method answers the id %.50s with 404 and names it',
  async (id) => {
    const call = await api.createCaller();
    // fetch resolves a path of dots before it sends the request
    for (const [method, body] of [['GET'], ['PATCH', {}], ['PUT', {}], ['DELETE']] as const)
      if (id !== '%2e%2e') await expectRejected(call(method, `/api/v1/todos/${id}`, body), [404], 'id');
    if (id !== '%2e%2e') await expectRejected(call('POST', `/api/v1/todos/${id}/restore`), [404], 'id');
  },
);

test('a request that is not valid HTTP gets 4xx, and later requests work', async () => {
  const token = await api.issueToken();
  for (const header of [
    'if-match: \0',
    'idempotency-key: a\0b',
    'prefer: wait=\x01',
    `x-long: ${'a'.repeat(20_000)}`,
  ]) {
    const lines = ['GET /api/v1/todos HTTP/1.1', 'host: localhost', `authorization: Bearer ${token}`, header];
    expect(await firstResponseTo(`${lines.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /);
  }
  for (const path of ['/api/v1/todos/\0', '/api/v1/todos?q=\ud800']) {
    expect(await firstResponseTo(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /);
  }
  expect((await (await api.createCaller())('GET', '/api/v1/todos')).status).toBe(200);
});

const anyValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('true', '1', '200', 'created_at', '-due_at', "'", '\\', '":*', '\0', '\ufffd', '99999999999', '1e9'),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);
const anyName = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('q', 'tag', 'sort', 'limit', 'cursor', 'due_after', 'due_before', 'since') },
  { weight: 1, arbitrary: fc.constantFrom('completed', 'priority', 'count') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);

test('no query causes a 5xx', async () => {
  const call = await api.createCaller();
  await call('POST', '/api/v1/todos', { title: 'a', tags: ['a'] });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/api/v1/todos', '/api/v1/todos/changes', '/api/v1/todos/export'),
      fc.array(fc.tuple(anyName, anyValue), { maxLength: 4 }),
      fc.option(fc.string({ maxLength: 20 })),
      async (path, parameters, raw) => {
        const query = raw === null ? new URLSearchParams(parameters).toString() : encodeURI(raw).replaceAll('#', '%');
        const { status } = await call('GET', `${path}?${query}`);
        expect(status).toBeLessThan(500);
      },
    ),
    { numRuns: 300 },
  );
});

test('any text can be a search or a tag filter', async () => {
  const call = await api.createCaller();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }), async (text) => {
      for (const name of ['q', 'tag'])
        expect([200, 400]).toContain(
          (await call('GET', `/api/v1/todos?${new URLSearchParams([[name, text]])}`)).status,
        );
    }),
    { numRuns: 150 },
  );
});

const anyField = fc.constantFrom(...Object.keys(Todo.shape), '__proto__', 'toString', 'operations', 'owner');
const anyBody = fc.letrec((tie) => ({
  body: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null), fc.constant(UNKNOWN)),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(anyField, tie('body'), { maxKeys: 6 }),
    fc.record({ operations: fc.array(tie('operation'), { maxLength: 3 }) }),
  ),
  operation: fc.record(
    {
      op: fc.constantFrom('create', 'update', 'delete', 'restore', 'x'),
      id: fc.constantFrom(UNKNOWN, '', 1),
      todo: tie('body'),
      changes: tie('body'),
      version: fc.constantFrom(1, -1, 1e9, 1e300, '1'),
    },
    { requiredKeys: ['op'] },
  ),
})).body;

test('no body causes a 5xx', async () => {
  const call = await api.createCaller();
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const paths = BODIES.map(([method, path]) => [method, path.replace(UNKNOWN, todo.id)] as const);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths, ['POST', '/api/v1/todos/import'] as const),
      fc.oneof(
        anyBody.map((body) => Buffer.from(JSON.stringify(body).replaceAll(UNKNOWN, todo.id))),
        fc.uint8Array({ maxLength: 40 }),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(JSON.stringify({ title: text, description: text }))),
      ),
      fc.constantFrom('application/json', 'application/merge-patch+json', 'application/jsonl'),
      async ([method, path], body, type) => {
        const { status } = await call(method, path, body, { 'content-type': type });
        expect(status).toBeLessThan(500);
      },
    ),
    { numRuns: 400 },
  );
});

test('no If-Match, If-None-Match, Prefer or Idempotency-Key causes a 5xx', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const anyHeader = fc
    .string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
    .filter((value) => !value.includes('\x7f'));
  await fc.assert(
    fc.asyncProperty(anyHeader, async (value) => {
      const answers = [
        await call('PATCH', `/api/v1/todos/${id}`, { title: randomUUID() }, { 'if-match': value }),
        await call('GET', `/api/v1/todos/${id}`, undefined, { 'if-none-match': value }),
        await call('POST', '/api/v1/todos', { title: 'b' }, { 'idempotency-key': value }),
        await call('GET', '/api/v1/todos/changes?since=0', undefined, { prefer: value }),
      ];
      for (const { status } of answers) expect(status).toBeLessThan(500);
    }),
    { numRuns: 60 },
  );
});

/** Expects a problem with one of `statuses` that names the field. */
async function expectRejected(answer: ReturnType<Caller>, statuses: readonly number[], field?: string): Promise<void> {
  const { status, headers, body } = await answer;
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(statuses).toContain(status);
  const problem = Problem.parse(body);
  expect(problem.status).toBe(status);
  if (field !== undefined) expect(problem.errors.map((error) => error.field)).toContain(field);
}

/** Sends these bytes and returns the first part of the response. */
function firstResponseTo(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(api.port, '127.0.0.1', () => socket.write(request, 'latin1'));
    socket.setTimeout(10_000, () => reject(new Error('no response')));
    socket.once('data', (data) => {
      resolve(data.toString('latin1'));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test.each([
  ['completed=True', 200],
  ['completed=FALSE', 200],
  ['completed=yes', 400],
  ['due_after=2027-01-31t09:00:00z', 200],
  ['due_after=2016-12-31T23:59:60Z', 200],
  ['due_after=2027-01-31T09:00:00%2B02:00', 200],
  ['due_after=2027-01-31&due_before=9999-12-31&time_zone=Etc/GMT-14&sort=due_at', 200],
  ['due_after=0001-01-01&time_zone=Etc/GMT-14', 200],
  ['due_before=9999-12-31T23:59:59Z&time_zone=Etc/GMT-14', 200],
  ['due_before=0001-01-01T00:00:00Z&time_zone=Etc/GMT%2B12', 200],
  ['time_zone=W.%20Europe%20Standard%20Time', 200],
  ['q=%3F%21', 200],
  ['q=', 200],
])('the query %s gets %i', async (query, expected) => {
  const call = await api.createCaller();
  await call('POST', '/api/v1/todos', { title: 'a' });
  const { status, body } = await call('GET', `/api/v1/todos?${query}`);
  expect(status).toBe(expected);
  // a search without a word finds nothing
  if (query.startsWith('q=')) expect(body).toEqual([]);
});

test('a wrong time has one reason, and a raw + in a query is explained', async () => {
  const call = await api.createCaller();
  const expected = (value: string) => ({
    status: 400,
    body: { errors: [{ field: 'due_after', expected: expect.stringContaining(value) }] },
  });
  for (const [value, reason] of [
    ['2027-01-31T09:00:00+02:00', 'write the + of its offset as %2B'],
    ['tomorrow', 'an RFC 3339 time, such as'],
    ['2027-02-30T09:00:00Z', 'an RFC 3339 time, such as'],
    ['2027-01-31T09:00:61Z', 'an RFC 3339 time, such as'],
    ['0000-01-01T00:00:00Z', 'a time between the years 1 and 9999'],
    ['9999-12-31T23:59:60Z', 'a time between the years 1 and 9999'],
    ['2027-01-31T09:60:60Z', 'an RFC 3339 time, such as'],
  ] as const) {
    const answer = await call('GET', `/api/v1/todos?due_after=${value}`);
    expect(answer).toMatchObject(expected(reason));
    expect(Object(answer.body).errors).toHaveLength(1);
  }
  const leap = await call('POST', '/api/v1/todos', { title: 'a', due_at: '2016-12-31T23:59:60.5Z' });
  expect(leap).toMatchObject({ status: 201, body: { due_at: '2017-01-01T00:00:00.000Z' } });
});

test('equal tags look equal, and are found in each form of their accents', async () => {
  const call = await api.createCaller();
  const decomposed = 'cafe\u0301';
  const created = await call('POST', '/api/v1/todos', { title: 'a', tags: [` ${decomposed} `, 'home\t'] });
  expect(created.body).toMatchObject({ tags: ['caf\u00e9', 'home'] });
  // one character that becomes two in NFC
  const growing = '\u0958'.repeat(26);
  await expectRejected(call('POST', '/api/v1/todos', { title: 'a', tags: [growing] }), [400], 'tags.0');
  for (const tag of ['caf\u00e9', decomposed])
    expect((await call('GET', `/api/v1/todos?tag=${encodeURIComponent(tag)}`)).body).toHaveLength(1);
  await expectRejected(call('POST', '/api/v1/todos', { title: 'a', tags: ['home', ' home'] }), [400], 'tags');
});

test('a search finds words of languages that write no spaces', async () => {
  const call = await api.createCaller();
  for (const title of ['明天去超市买牛奶', '明日スーパーで牛乳を買う', 'ซื้อนมพรุ่งนี้', 'buy milk'])
    await call('POST', '/api/v1/todos', { title });
  const find = async (q: string) => {
    const { body } = await call('GET', `/api/v1/todos?q=${encodeURIComponent(q)}`);
    return Todo.array()
      .parse(body)
      .map(({ title }) => title);
  };
  expect(await find('牛奶')).toEqual(['明天去超市买牛奶']);
  expect(await find('牛')).toHaveLength(2);
  expect(await find('スーパー 牛乳')).toEqual(['明日スーパーで牛乳を買う']);
  expect(await find('นม')).toEqual(['ซื้อนมพรุ่งนี้']);
  expect(await find('奶牛')).toEqual([]);
});
