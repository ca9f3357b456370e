import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve } from '../../shared/http/serve.ts';
import { createChallenges } from '../../shared/resource-server/challenge.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { PROBLEMS, type ProblemCode } from '../../shared/todo/problems.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { createConformingFetch } from '../testing/conforming-fetch.ts';
import { resource, startApi } from '../testing/start-api.ts';
import { todoRoutes } from '../todos/routes.ts';
import { createOpenApiDocument } from './document.ts';
import type { Reference, Response } from './openapi.ts';

const protectedResource = {
  resource,
  authorizationServer: 'http://auth.example',
  scopes: TODO_SCOPES,
  name: 'Todos',
};
const document = createOpenApiDocument(protectedResource);
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);
const documentedCodes = [...new Set(Object.values(document.components.responses).flatMap(codesOf))];
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const JSON_LINES = { 'content-type': 'application/jsonl' };

let revoked = false;
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ isRevoked: () => revoked });
});
afterAll(() => api[Symbol.asyncDispose]());

test('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(JSON.stringify(document)))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test('every reference in the document resolves', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  expect(references.length).toBeGreaterThan(50);
  for (const path of new Set(references)) {
    const found = path.split('/').reduce<unknown>((value, name) => Object(value)[name], document);
    expect(found, path).toBeDefined();
  }
});

test('every component of the document is used, also for a reader that ignores extensions', () => {
  const standard = JSON.stringify(document, (name, value) => (name.startsWith('x-') ? undefined : value));
  const { securitySchemes, ...components } = document.components;
  for (const [kind, named] of Object.entries(components))
    for (const name of Object.keys(named)) expect(standard).toContain(`"#/components/${kind}/${name}"`);
  const required = operations.flatMap(({ security }) => security.flatMap(Object.keys));
  expect([...new Set(required)].sort()).toEqual(Object.keys(securitySchemes).sort());
});

test('no member of a request has a default, which would make generated clients require it', () => {
  const { NewTodo } = document.components.schemas;
  expect(NewTodo).toMatchObject({
    required: ['title'],
    properties: { priority: { description: '1 is the most urgent. Without it: 4' } },
  });
  const requests = operations.flatMap(({ requestBody, parameters }) => [requestBody, parameters]);
  const sent = JSON.stringify([requests, document.components.parameters, document.components.schemas]);
  expect(sent).not.toContain('"default":');
});

test('every path parameter has an example', () => {
  const parameters = operations.flatMap(({ parameters }) =>
    parameters.map((parameter) =>
      '$ref' in parameter
        ? Object.entries(document.components.parameters).find(([name]) => parameter.$ref.endsWith(`/${name}`))?.[1]
        : parameter,
    ),
  );
  const inPath = parameters.filter((parameter) => parameter?.in === 'path');
  expect(inPath.length).toBeGreaterThan(3);
  for (const parameter of inPath) expect(parameter?.example).toMatch(/^[0-9a-f-]{36}$/);
  expect(operations.filter(({ path }) => path.includes('{'))).toHaveLength(inPath.length);
});

test('the document has every code with which the API can answer, each with its status', () => {
  const undocumented = [
    // no operation has these two
    'not_found',
    'method_not_allowed',
    // the client is gone before it could read the response
    'client_disconnected',
    // only mcp answers with these codes
    'host_not_allowed',
    'origin_not_allowed',
    'not_acceptable',
    // only auth answers with these codes
    'client_exists',
    'client_not_found',
    'signing_key_not_found',
    'client_has_no_secret',
    'client_has_no_keys',
    'last_administrator',
    'user_exists',
    'user_not_found',
    'connection_not_found',
    'too_many_registrations',
  ];
  // only the result of an operation in a batch has this code
  expect(JSON.stringify(document.components.responses.BatchRejected)).toContain('"operation_not_executed"');
  expect([...documentedCodes, 'operation_not_executed', ...undocumented].sort()).toEqual(Object.keys(PROBLEMS).sort());
  for (const { operationId, responses } of operations)
    for (const [status, response] of Object.entries(responses))
      for (const code of codesOf(resolve(response)))
        expect(PROBLEMS[code].status, `${operationId} ${code}`).toBe(Number(status));
});

test('the problem schema of a code requires the members of this code', () => {
  const { content } = resolve({ $ref: '#/components/responses/VersionMismatch' });
  const schema = content?.['application/problem+json']?.schema;
  expect(schema?.properties).toMatchObject({ code: { enum: ['version_mismatch'] }, status: { const: 412 } });
  expect(schema?.required).toEqual(expect.arrayContaining(['code', 'current_version']));
});

test('the document describes every route and nothing else', () => {
  const never = () => {
    throw new Error('no request is sent');
  };
  const router = todoRoutes({
    todos: { find: never, list: never, count: never, write: never, importTodos: never },
    changeFeed: { read: never },
    resource,
    authenticate: never,
    rateLimit: { limitRequests: never, spend: never, charge: never, exhaust: never, requirePoints: never },
    reverify: never,
    challenges: createChallenges(protectedResource),
  });
  const routes = router.stack.flatMap(({ path, methods }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map(
        (method) =>
          `${method} ${String(path)
            .replace('/api/v1', '')
            .replaceAll(/:(\w+)/g, '{$1}')}`,
      ),
  );
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
});

test('every example is valid for its schema', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  let examples = 0;
  JSON.stringify(document, (_, value) => {
    if (value?.example === undefined || value.schema === undefined) return value;
    examples += 1;
    const valid = ajv.compile({ ...value.schema, components: document.components });
    expect(valid(value.example), JSON.stringify([value.example, valid.errors])).toBe(true);
    return value;
  });
  expect(examples).toBeGreaterThan(10);
});

test('the API accepts exactly the query values that the document allows', async () => {
  const call = await api.createCaller();
  for (const query of ['limit=1', 'limit=200', 'priority=1', 'priority=4', 'completed=true', 'count=false'])
    expect(await call('GET', `/api/v1/todos?${query}`)).toMatchObject({ status: 200 });
  for (const query of ['limit=0', 'limit=201', 'priority=0', 'priority=5', 'completed=1', 'count=', 'sort=title'])
    expect(await call('GET', `/api/v1/todos?${query}`)).toMatchObject({ status: 400 });
  expect(operations.find(({ operationId }) => operationId === 'listTodos')?.parameters).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 200 } }),
      expect.objectContaining({ name: 'priority', schema: { type: 'integer', minimum: 1, maximum: 4 } }),
      expect.objectContaining({ name: 'completed', schema: { type: 'boolean' } }),
    ]),
  );
});

test('every response matches the document, and every described response and code occurs', async () => {
  const call = await api.createCaller();
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'Buy milk' })).body);
  const path = `/api/v1/todos/${todo.id}`;
  const elsewhere = `/api/v1/todos/${UNKNOWN}`;
  const stale = { 'if-match': '"99"' };
  const key = () => ({ 'idempotency-key': crypto.randomUUID() });

  for (const expected of [200, 304]) {
    const { status, headers } = await call('GET', path, undefined, expected === 304 ? { 'if-none-match': '"1"' } : {});
    expect({ status, etag: headers.get('etag') }).toEqual({ status: expected, etag: '"1"' });
  }
  await call('POST', '/api/v1/todos', { title: 'Bake bread', due_at: '2027-01-31T10:00:00+01:00', tags: ['kitchen'] });
  const list = await call('GET', '/api/v1/todos?limit=1&count=true');
  expect([list.headers.get('link'), list.headers.get('total-count')]).toEqual([expect.any(String), '2']);
  const etag = `${list.headers.get('etag')}`;
  await expectStatus(304, call('GET', '/api/v1/todos?limit=1', undefined, { 'if-none-match': etag }));

  await expectStatus(200, call('PATCH', path, { completed: true }, { 'content-type': 'application/merge-patch+json' }));
  await expectStatus(200, call('PUT', path, { title: 'Buy two' }, { 'if-match': '"2"' }));
  for (const [method, body] of [['PATCH', {}], ['PUT', {}], ['DELETE']] as const) {
    await expectStatus(412, call(method, path, body, stale));
    await expectStatus(404, call(method, elsewhere, body));
  }
  await expectStatus(404, call('GET', elsewhere));
  await expectStatus(412, call('GET', path, undefined, stale));
  await expectStatus(200, call('DELETE', path));
  await expectStatus(412, call('POST', `${path}/restore`, undefined, stale));
  await expectStatus(404, call('POST', `${elsewhere}/restore`));
  await expectStatus(200, call('POST', `${path}/restore`));

  await expectStatus(200, call('GET', '/api/v1/todos/changes'));
  await expectStatus(200, call('GET', '/api/v1/todos/changes?since=0'));
  const { next } = Object((await call('GET', '/api/v1/todos/changes')).body);
  const waited = await call('GET', `/api/v1/todos/changes?since=${next}`, undefined, { prefer: 'wait=1' });
  expect(waited).toMatchObject({ status: 200, body: { changes: [] } });
  await expectStatus(410, call('GET', '/api/v1/todos/changes?since=999'));

  const operation = { op: 'create', todo: { title: 'Knead' } };
  await expectStatus(200, call('POST', '/api/v1/todos/batch', { operations: [operation] }));
  const rejected = { op: 'delete', id: UNKNOWN };
  expect(await call('POST', '/api/v1/todos/batch', { operations: [operation, rejected] })).toMatchObject({
    status: 422,
    body: { results: [{ status: 424 }, { status: 404 }] },
  });

  const send = async (url: string, method: string, body?: string, headers: Record<string, string> = {}) => {
    const authorization = `Bearer ${await api.issuer.issue({ claims: { sub: 'traveller' } })}`;
    return api.fetch(url, { method, headers: { authorization, ...headers }, ...(body !== undefined && { body }) });
  };
  const lines = '{"title":"one"}\n{"title":"two"}\n';
  expect(await (await send('/api/v1/todos/import', 'POST', lines, JSON_LINES)).json()).toEqual({
    created: 2,
    skipped: 0,
  });
  expect((await (await send('/api/v1/todos/export', 'GET')).text()).split('\n')).toHaveLength(3);
  await expectStatus(400, send('/api/v1/todos/import', 'POST', '{"title":""}\nno JSON', JSON_LINES));
  await expectStatus(413, send('/api/v1/todos/import', 'POST', 'x'.repeat(100_001), JSON_LINES));

  for (const [url, body, other] of [
    ['/api/v1/todos', { title: 'once' }, { title: 'another' }],
    ['/api/v1/todos/batch', { operations: [operation] }, { operations: [operation, operation] }],
  ] as const) {
    const once = key();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('POST', url, body, once)));
    // 409 for requests that came while the first one ran
    expect([200, 201, 409]).toEqual(expect.arrayContaining([...new Set(answers.map(({ status }) => status))]));
    await expectStatus(422, call('POST', url, other, once));
  }

  const once = { ...JSON_LINES, ...key() };
  for (const [status, body] of [
    [200, lines],
    [200, lines],
    [422, '{"title":"another"}'],
  ] as const)
    await expectStatus(status, send('/api/v1/todos/import', 'POST', body, once));

  const sub = crypto.randomUUID();
  const full = await api.createCaller({ sub });
  const { id } = Todo.parse((await full('POST', '/api/v1/todos', { title: 'a' })).body);
  await api.em.fork().execute('update api.todo_list set todos = 50000, bytes = 100000000 where owner = ?', [sub]);
  await expectStatus(507, full('POST', '/api/v1/todos', { title: 'a' }));
  await expectStatus(507, full('PATCH', `/api/v1/todos/${id}`, { title: 'ab' }));
  await expectStatus(507, full('PUT', `/api/v1/todos/${id}`, { title: 'ab' }));
  await expectStatus(507, full('POST', '/api/v1/todos/batch', { operations: [operation] }));
  await expectStatus(507, full('POST', '/api/v1/todos/import', Buffer.from(lines), JSON_LINES));

  for (const { method, path, requestBody } of operations) {
    if (requestBody === undefined) continue;
    const url = addressOf(path, todo.id);
    await expectStatus(415, send(url, method, 'x', { 'content-type': 'text/plain' }));
    await expectStatus(415, send(url, method, 'x', { ...JSON_LINES, 'content-encoding': 'br' }));
    if (path === '/todos/import') continue;
    for (const body of ['{', '[]', '{"title":1,"nothing":2}'])
      await expectStatus(400, send(url, method, body, { 'content-type': 'application/json' }));
    const tooLarge = ' '.repeat(path === '/todos/batch' ? 2_500_001 : 100_001);
    await expectStatus(413, send(url, method, tooLarge, { 'content-type': 'application/json' }));
  }

  await rejectEverywhere();
  const described = operations.flatMap(({ operationId, responses }) =>
    Object.keys(responses).map((status) => `${operationId} ${status}`),
  );
  // 409 depends on timing, the next test has 429 and 503, and 500 is a fault
  const reproducible = described.filter((response) => !/ (409|429|500|503)$/.test(response));
  expect([...api.seenResponses]).toEqual(expect.arrayContaining(reproducible));
  const reproducibleCodes = documentedCodes.filter((code) => ![409, 429, 500, 503].includes(PROBLEMS[code].status));
  expect([...api.seenCodes]).toEqual(expect.arrayContaining(reproducibleCodes));
});

test('every operation answers 429 over the rate limit, and 503 if it cannot verify access tokens', async () => {
  await using strict = await startApi({ pointsPerMinute: 1 });
  await using alone = await startApi();
  const unverifiable = `Bearer ${await alone.issuer.issue()}`;
  await alone.issuer[Symbol.asyncDispose]();
  for (const { method, path, operationId } of operations) {
    const authorization = `Bearer ${await strict.issuer.issue({ claims: { sub: operationId } })}`;
    const url = addressOf(path, UNKNOWN);
    await strict.fetch(url, { method, headers: { authorization } });
    await expectStatus(429, strict.fetch(url, { method, headers: { authorization } }));
    await expectStatus(503, alone.fetch(url, { method, headers: { authorization: unverifiable } }));
  }
});

type Answer = {
  status?: number;
  type?: string;
  headers?: Record<string, string | undefined>;
  body?: unknown;
};

test.each<[string, Answer, string]>([
  ['status', { status: 418 }, 'does not describe this status'],
  ['media type', { type: 'text/html' }, 'the media type text/html is not described'],
  ['header', { headers: { 'x-powered-by': 'guesswork' } }, 'the header x-powered-by is not described'],
  ['missing header', { headers: { etag: undefined } }, 'the header etag is missing'],
  ['header value', { headers: { etag: 'W/"1"' } }, 'the header etag must match pattern'],
  ['member', { body: [{ owner: 'alice' }] }, 'must NOT have additional properties {"additionalProperty":"owner"}'],
  ['type', { body: { todos: [] } }, 'must be array'],
])(
  'a response with a %s that the document does not describe fails the test',
  async (_, { status, type, headers, body }, problem) => {
    const good = {
      'x-request-id': 'a-request-id',
      ratelimit: '"default";r=1;t=1',
      'ratelimit-policy': '"default";q=1;w=1',
      etag: '"tag"',
      'content-type': type ?? 'application/json',
    };
    await using server = await serve(
      (_request, response) => {
        for (const [name, value] of Object.entries({ ...good, ...headers }))
          if (value !== undefined) response.setHeader(name, value);
        response.statusCode = status ?? 200;
        response.end(JSON.stringify(body ?? []));
      },
      { port: 0, host: '127.0.0.1' },
    );
    const { fetch } = createConformingFetch(document);
    await expect(fetch(`http://127.0.0.1:${server.port}/api/v1/todos`)).rejects.toThrow(problem);
  },
);

/** Sends to every operation requests without an access token, with invalid ones, and with one that lacks the scope. */
async function rejectEverywhere(): Promise<void> {
  const bearer = async (claims: JWTPayload) => `Bearer ${await api.issuer.issue({ claims })}`;
  const withoutScope = await bearer({ scope: '' });
  const invalid = [
    ['Bearer nonsense', 'access_token_invalid'],
    [await bearer({ exp: 1 }), 'access_token_expired'],
    [await bearer({ aud: 'http://mcp.example/mcp' }), 'access_token_wrong_audience'],
  ] as const;
  for (const { method, path } of operations) {
    const url = addressOf(path, UNKNOWN);
    await expectStatus(401, api.fetch(url, { method }));
    for (const [authorization, code] of invalid) {
      const response = await api.fetch(url, { method, headers: { authorization } });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code });
    }
    revoked = true;
    await expectStatus(401, api.fetch(url, { method, headers: { authorization: withoutScope } }));
    revoked = false;
    await expectStatus(400, api.fetch(url, { method, headers: { authorization: 'Bearer' } }));
    await expectStatus(403, api.fetch(url, { method, headers: { authorization: withoutScope } }));
  }
  await expectStatus(405, api.fetch('/api/v1/todos', { method: 'DELETE' }));
  await expectStatus(404, api.fetch('/api/v1/lists'));
  const call = await api.createCaller();
  await expectStatus(200, call('HEAD', '/api/v1/todos'));
}

async function expectStatus(status: number, answering: Promise<{ status: number }>): Promise<void> {
  expect((await answering).status).toBe(status);
}

function addressOf(path: string, id: string): string {
  return `/api/v1${path.replace('{id}', id)}`;
}

function resolve(response: Response | Reference): Response {
  const found = Object.entries(document.components.responses).find(
    ([name]) => '$ref' in response && response.$ref === `#/components/responses/${name}`,
  )?.[1];
  if (found !== undefined) return found;
  if ('$ref' in response) throw new Error(`${response.$ref} is not in components`);
  return response;
}

/** The codes of the problems of a response. */
function codesOf({ content }: Response): ProblemCode[] {
  const schema = content?.['application/problem+json']?.schema;
  return (schema?.oneOf ?? schema?.anyOf ?? [schema]).flatMap((problem) => {
    const codes: unknown[] = Object(problem).properties?.code.enum ?? [];
    return codes.filter(isProblemCode);
  });
}

function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}
