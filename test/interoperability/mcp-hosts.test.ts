import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { tools } from '../../mcp/tools/index.ts';
import { listTodos } from '../support/list-todos.ts';
import { readMcpHostSessions } from '../support/mcp-host-sessions.ts';
import { type RecordedResponse, sendRecordedRequest } from '../support/send-recorded-request.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const sessions = readMcpHostSessions();

test('the recordings are of eight hosts, and have no access token', () => {
  expect(sessions.map(({ host }) => host)).toEqual([
    'Claude Code',
    'Cline',
    'Codex',
    'Continue',
    'Copilot CLI',
    'Gemini CLI',
    'opencode',
    'Qwen Code',
  ]);
  // a JWT begins with the base64url form of {"
  expect(JSON.stringify(sessions)).not.toMatch(/eyJ[\w-]{10}/);
});

test('one host was recorded with MCP 2026-07-28, which it tries first, and the others with earlier revisions', () => {
  const modern = sessions.filter(({ stdio }) => stdio.every((line) => !line.includes('"initialize"')));
  expect(modern.map(({ host }) => host)).toEqual(['Claude Code']);
  for (const { http } of modern)
    for (const { headers } of http) expect(headers).toContainEqual(['mcp-protocol-version', '2026-07-28']);
});

const Message = z.object({ id: z.union([z.number(), z.string()]).optional(), method: z.string() });
const Answer = z.object({
  id: z.union([z.number(), z.string()]),
  result: z.looseObject({ isError: z.boolean().optional() }).optional(),
  error: z.looseObject({ code: z.number() }).optional(),
});
type Message = z.infer<typeof Message>;
type Answer = z.infer<typeof Answer>;

describe.each(sessions)('$host $version', (session) => {
  test('over HTTP it gets what it asks for', async () => {
    const client = await system.registerClient();
    const accessToken = await system.getAccessToken(client, { resource: system.mcpResource });
    const answers: [Message, Answer][] = [];
    for (const recorded of session.http) {
      const response = await sendRecordedRequest(system.mcpResource, recorded, { access_token: accessToken });
      const shown = { recorded, response };
      if (recorded.method === 'GET') {
        // the host asks for a stream of the server's own messages, which mcp does not have
        expect(response, JSON.stringify(shown)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
        continue;
      }
      const message = Message.parse(JSON.parse(recorded.body ?? ''));
      if (message.id === undefined) expect(response, JSON.stringify(shown)).toMatchObject({ status: 202, body: '' });
      else if (isProbe(message)) expectDiscovery(parseAnswer(response));
      else {
        expect(response.status, JSON.stringify(shown)).toBe(200);
        answers.push([message, parseAnswer(response)]);
      }
    }
    expectSuccess(answers);
    await expectCreatedTodo(client);
  });

  test('over stdio it gets what it asks for', async () => {
    const client = await system.registerClient();
    const answers: [Message, Answer][] = [];
    await using server = startStdioServer(client);
    for (const line of session.stdio) {
      const message = Message.parse(JSON.parse(line));
      // a host writes its next request when it has the answer to the last one
      const answer = await server.write(line, message.id !== undefined);
      if (answer === undefined) continue;
      if (isProbe(message)) expectDiscovery(answer);
      else answers.push([message, answer]);
    }
    expectSuccess(answers);
    await expectCreatedTodo(client);
  });
});

/**
 * The host asks whether the server speaks MCP 2026-07-28. When Copilot CLI was recorded, it did not, so that host went on in
 * an earlier revision. It may do so on the same connection.
 */
const isProbe = ({ method }: Message) => method === 'server/discover';

function expectDiscovery({ result }: Answer): void {
  expect(result).toMatchObject({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'yata' } },
  });
}

function expectSuccess(answers: readonly (readonly [Message, Answer])[]): void {
  for (const [message, { id, result, error }] of answers) {
    expect({ message, id, error, isError: result?.isError ?? false }).toEqual({
      message,
      id: message.id,
      isError: false,
    });
  }
  const resultOf = (method: string) =>
    answers.filter(([message]) => message.method === method).map(([, { result }]) => result);
  for (const result of resultOf('initialize')) expect(result).toMatchObject({ serverInfo: { name: 'yata' } });
  const [listed] = resultOf('tools/list');
  expect(listed).toMatchObject({ tools: tools.map(({ name }) => ({ name })) });
  const [created, todos] = resultOf('tools/call');
  expect(created).toMatchObject({ structuredContent: { title: 'Buy milk' } });
  expect(todos).toMatchObject({ structuredContent: { todos: [{ title: 'Buy milk' }], total: 1 } });
}

async function expectCreatedTodo(client: TestClient): Promise<void> {
  expect(await listTodos(system, client)).toMatchObject([{ title: 'Buy milk', tags: ['shop'], priority: 2 }]);
}

/** The answer in a response of JSON, or in the last event of a stream. */
function parseAnswer({ headers, body }: RecordedResponse): Answer {
  const json = headers['content-type']?.startsWith('text/event-stream') ? body.trim().split('\ndata: ').at(-1) : body;
  return Answer.parse(JSON.parse(json ?? ''));
}

function startStdioServer({ id, secret }: TestClient) {
  const server = spawn(process.execPath, ['mcp/stdio.ts'], {
    env: { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret, API_BASE_URL: system.apiResource, LOG_LEVEL: 'silent' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  return {
    /** Writes a line, and reads the answer if it has one. */
    async write(line: string, hasAnswer: boolean): Promise<Answer | undefined> {
      server.stdin.write(`${line}\n`);
      if (!hasAnswer) return undefined;
      for (;;) {
        const message: unknown = JSON.parse(String((await lines.next()).value));
        // a notification about progress has no id
        if (Object(message).id !== undefined) return Answer.parse(message);
      }
    },
    async [Symbol.asyncDispose]() {
      const exited = once(server, 'exit');
      server.stdin.end();
      await exited;
    },
  };
}
