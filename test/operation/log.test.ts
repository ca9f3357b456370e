import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { createToolCall } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { runPrintedCommands } from '../support/run-printed-commands.ts';

test('the log contains no secret and no access token', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ LOG_LEVEL: 'debug' });
  const token = await runPrintedCommands(running, ['Get an access token'], 'printf %s "$TOKEN"');
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const [secret = ''] = installation.secrets();
  // requests that fail, because failures are logged
  const post = (url: string, authorization: string, body: string, type = 'application/x-www-form-urlencoded') =>
    fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': type, accept: 'application/json, text/event-stream' },
      body,
    });
  await post(
    `http://localhost:${AUTH_PORT}/oauth/token`,
    basicAuthorization({ id: 'demo', secret: `${secret}x` }),
    'grant_type=client_credentials',
  );
  await post(
    `http://localhost:${AUTH_PORT}/oauth/token`,
    '',
    `grant_type=client_credentials&client_id=demo&client_secret=${secret}&scope=no`,
  );
  await post(`http://localhost:${API_PORT}/api/v1/todos`, `Bearer ${token}x`, '{}', 'application/json');
  await post(`http://localhost:${API_PORT}/api/v1/todos`, `Bearer ${token}`, '{', 'application/json');
  await post(`http://localhost:${MCP_PORT}/mcp`, `Bearer ${token}`, '{}', 'application/json');
  expect(await running.end('SIGINT')).toBe(0);
  for (const credential of [...installation.secrets(), token, token.split('.')[2] ?? ''])
    expect(running.output()).not.toContain(credential);
  expect(running.output()).toContain('"msg":"listening"');
});

test('mcp, api and auth log the same request id, with subject and actor, and without the access token', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ LOG_LEVEL: 'info' });
  const token = await runPrintedCommands(running, ['Any other host'], 'printf %s "$YATA_TOKEN"');
  const { MCP_PORT } = installation.environment;
  const response = await postMcpMessage(`http://localhost:${MCP_PORT}/mcp`, createToolCall('list_todos'), {
    accessToken: token,
    headers: { 'x-request-id': 'one-request-of-mine' },
  });
  expect({ status: response.status, id: response.headers.get('x-request-id') }).toEqual({
    status: 200,
    id: 'one-request-of-mine',
  });
  const Line = z.object({ name: z.string(), msg: z.string(), request_id: z.string().optional() }).loose();
  const lines = await vi.waitFor(() => {
    const parsed = running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => Line.parse(JSON.parse(line)));
    const found = parsed.filter(({ request_id }) => request_id === 'one-request-of-mine');
    expect(found).toHaveLength(3);
    return found;
  }, 10_000);
  const byName = Object.fromEntries(lines.map((line) => [line.name, line]));
  expect(byName.mcp).toMatchObject({
    msg: 'request',
    path: '/mcp',
    status: 200,
    sub: 'demo',
    client_id: 'demo',
    jti: expect.any(String),
  });
  expect(byName.auth).toMatchObject({
    msg: 'access token issued',
    sub: 'demo',
    client_id: 'mcp',
    act: { sub: 'mcp' },
    jti: expect.any(String),
  });
  expect(byName.api).toMatchObject({
    msg: 'request',
    path: '/api/v1/todos',
    sub: 'demo',
    client_id: 'mcp',
    act: { sub: 'mcp' },
    jti: byName.auth?.jti,
  });
  expect(running.output()).not.toContain(token);
  for (const secret of installation.secrets()) expect(running.output()).not.toContain(secret);
});

/** Events of the process, and not of one request. */
const OF_THE_PROCESS = /^(server|status_lists|readiness|connection|signing_keys)\./;

test('each line of a request has its id, at every level', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ LOG_LEVEL: 'debug' });
  const token = await runPrintedCommands(running, ['Any other host'], 'printf %s "$YATA_TOKEN"');
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const headers = { 'x-request-id': 'one-request-of-mine' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  for (let attempt = 0; attempt < 11; attempt += 1)
    await fetch(`http://localhost:${AUTH_PORT}/oauth/token`, {
      method: 'POST',
      headers: { ...headers, ...form, authorization: basicAuthorization({ id: 'demo', secret: 'x'.repeat(43) }) },
      body: 'grant_type=client_credentials',
    });
  await fetch(`http://localhost:${AUTH_PORT}/nothing-is-here`, { headers });
  await fetch(`http://localhost:${API_PORT}/api/v1/todos`, {
    headers: { ...headers, authorization: `Bearer ${token}` },
  });
  await postMcpMessage(`http://localhost:${MCP_PORT}/mcp`, createToolCall('get_todo', { id: crypto.randomUUID() }), {
    accessToken: token,
    headers,
  });
  expect(await running.end('SIGINT')).toBe(0);
  const Line = z.object({ event: z.string(), request_id: z.string().optional() }).loose();
  const lines = running
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{"level"'))
    .map((line) => Line.parse(JSON.parse(line)))
    .filter(({ event }) => !OF_THE_PROCESS.test(event));
  const events = lines.filter(({ request_id }) => request_id === headers['x-request-id']).map(({ event }) => event);
  for (const event of [
    'access_token.issued',
    'audit.recorded',
    'client_authentication.limited',
    'request.completed',
    'request.rejected',
    'tool_call.rejected',
  ])
    expect(events).toContain(event);
  expect(lines.filter(({ request_id }) => request_id === undefined)).toEqual([]);
});
