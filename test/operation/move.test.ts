import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { openBrowser } from '../support/browser.ts';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { createPublicClient, parseTokens, registerPublicClient } from '../support/public-client.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runYata } from '../support/run-yata.ts';
import { startProcess } from '../support/start-process.ts';

// this test starts five processes, one after another, which takes long on a busy machine
vi.setConfig({ testTimeout: 120_000 });

const Claims = z.object({ status: z.object({ status_list: z.object({ idx: z.number(), uri: z.string() }) }) });

/** Where the status of an access token is. */
function statusOf(accessToken: string): string {
  const { idx, uri } = Claims.parse(decodeJwt(accessToken)).status.status_list;
  return `${uri} ${idx}`;
}

test('after a move to PostgreSQL everything that clients and persons have goes on working', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the move needs a PostgreSQL server');
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()].map(String);
  const ports = { AUTH_PORT: authPort ?? '', API_PORT: apiPort ?? '', MCP_PORT: mcpPort ?? '' };
  const environment = { YATA_DATA_DIR: data, ...ports };
  const issuer = `http://localhost:${authPort}`;
  const apiResource = `http://localhost:${apiPort}/api/v1`;
  const mcpResource = `http://localhost:${mcpPort}/mcp`;
  const start = (variables = {}) => startProcess(['yata.ts', 'start'], { ...environment, ...variables }, 'yata is up');
  const getToken = () => {
    const { OAUTH_CLIENT_SECRET: secret = '' } = parseEnv(readFileSync(join(data, 'demo-client.env'), 'utf8'));
    return requestAccessToken(issuer, { id: 'demo', secret }, { resource: apiResource });
  };
  const createTodo = async (accessToken: string, title: string) =>
    expect(
      (await requestTodos(apiResource, accessToken, { method: 'POST', body: JSON.stringify({ title }) })).status,
    ).toBe(201);
  const readChanges = async (accessToken: string, since: string) => {
    const headers = { authorization: `Bearer ${accessToken}` };
    const response = await fetch(`${apiResource}/todos/changes?since=${since}`, { headers });
    return (await response.json()) as { next: string; changes: { change: string; todo: { title: string } }[] };
  };
  const listTools = async (accessToken: string) =>
    (await postMcpMessage(mcpResource, LIST_TOOLS, { accessToken })).status;
  const person = { name: 'Ada', password: 'the long password of Ada', id: '' };

  // with the embedded database
  const embedded = await start();
  const [kept, revoked] = [await getToken(), await getToken()];
  await createTodo(kept, 'before the move');
  const before = await readChanges(kept, '0');
  expect((await runYata(['tokens', 'revoke', revoked, '--wait'], { environment })).code).toBe(0);
  const [, setupToken = ''] = readFileSync(join(data, 'first-sign-in.txt'), 'utf8').trim().split('#');
  const { name, password } = person;
  expect((await openBrowser(issuer).submit('/welcome', { token: setupToken, username: name, password })).status).toBe(
    200,
  );
  const assistant = await registerPublicClient({ issuer, mcpResource });
  const [connected, takenBack] = [
    await assistant.connect(person),
    await (await registerPublicClient({ issuer, mcpResource }, { client_name: 'Another' })).connect(person),
  ];
  expect(await listTools(connected.access_token)).toBe(200);
  const connections = JSON.parse((await runYata(['connections', 'list', '--json'], { environment })).stdout);
  const { client_id: other } = connections.find(({ client_id }: { client_id: string }) => client_id !== assistant.id);
  expect((await runYata(['connections', 'revoke', '--client', other, '--wait'], { environment })).code).toBe(0);

  // the lock of the data directory
  const tooEarly = await runYata(['move', '--to', '-'], { environment, stdin: database.url });
  expect(tooEarly).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Another process uses the data directory/),
  });
  expect(await embedded.end('SIGTERM')).toBe(0);

  const moved = await runYata(['move', '--to', '-', '--json'], { environment, stdin: database.url });
  expect(moved).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(moved.stdout).tables).toContainEqual({ table: 'auth.connection', rows: 1 });

  // with PostgreSQL
  const variables = { AUTH_DATABASE_URL: database.url, API_DATABASE_URL: database.url };
  await using _running = await start(variables);
  // api and mcp have fetched the status lists
  await vi.waitFor(async () => {
    for (const port of [apiPort, mcpPort])
      expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
  }, 10_000);
  expect((await requestTodos(apiResource, revoked)).status).toBe(401);
  const listed = await requestTodos(apiResource, kept);
  expect({ status: listed.status, todos: await listed.json() }).toEqual({
    status: 200,
    todos: [expect.objectContaining({ title: 'before the move' })],
  });

  // the feed goes on where a client has stopped to read
  await createTodo(kept, 'after the move');
  const after = await readChanges(kept, before.next);
  expect(after.changes.map(({ todo }) => todo.title)).toEqual(['after the move']);
  expect(Number(after.next)).toBe(Number(before.next) + 1);

  expect(await listTools(connected.access_token)).toBe(200);
  expect(await listTools(takenBack.access_token)).toBe(401);
  const { refresh, connect } = createPublicClient({ issuer, mcpResource }, assistant.id, assistant.redirectUri);
  const refreshed = parseTokens(await (await refresh(connected.refresh_token)).json());
  expect(await listTools(refreshed.access_token)).toBe(200);
  const rejected = await createPublicClient({ issuer, mcpResource }, other, '').refresh(takenBack.refresh_token);
  expect(rejected.status).toBe(400);
  // the person signs in with the same password
  const again = await connect(person);

  // no new access token has the index of an earlier one, which may be revoked
  const earlier = new Set([kept, revoked, connected.access_token, takenBack.access_token].map(statusOf));
  const later = [refreshed.access_token, again.access_token];
  for (let count = 0; count < 40; count++) later.push(await getToken());
  expect(new Set([...earlier, ...later.map(statusOf)]).size).toBe(earlier.size + later.length);
  // and one that is revoked here is rejected, and no other
  const [last = '', ...others] = later.slice(-3);
  expect((await runYata(['tokens', 'revoke', last, '--wait'], { environment })).code).toBe(0);
  expect((await requestTodos(apiResource, last)).status).toBe(401);
  for (const accessToken of [kept, ...others]) expect((await requestTodos(apiResource, accessToken)).status).toBe(200);

  // the audit has what was done before the move and after it
  const audit = JSON.parse((await runYata(['audit', '--json'], { environment })).stdout) as {
    id: number;
    action: string;
  }[];
  expect(audit.filter(({ action }) => action === 'token.revoke').length).toBeGreaterThanOrEqual(2);
  expect(new Set(audit.map(({ id }) => id)).size).toBe(audit.length);
});
