import { InsufficientScopeError } from '@modelcontextprotocol/client';
import { CallToolResultSchema, type PromptMessage } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { type Assistant, conversations } from '../support/conversations.ts';
import { listTodos } from '../support/list-todos.ts';
import { connectOverHttp, connectOverStdio, type McpClient } from '../support/mcp-client.ts';
import { connectV2OverHttp, connectV2OverStreams, type McpClientV2 } from '../support/mcp-client-v2.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

test('there are at least ten conversations', () => {
  expect(conversations.length).toBeGreaterThanOrEqual(10);
});

test.each(conversations)(
  '$title: both transports return the same results in both revisions, and lead to the same todos',
  async ({ scopes, play, expectedTodos }) => {
    const transports = [
      [connectOverHttp, 'http'],
      [connectOverStdio, 'stdio'],
      [connectV2OverHttp, 'http'],
      [connectV2OverStreams, 'stdio'],
    ] as const;
    const played = await Promise.all(
      transports.map(async ([connectOver, transport]) => {
        const credentials = await system.registerClient(scopes && { scopes: [...scopes] });
        await using client = await connectOver(system, credentials);
        const answers: unknown[] = [];
        await play(recordAnswers(client, transport, answers));
        expect(await listTodos(system, credentials), transport).toEqual(
          expectedTodos.map((fields) => expect.objectContaining(fields)),
        );
        return answers;
      }),
    );
    const [overHttp, ...others] = played.map(normalize);
    expect(overHttp?.length).toBeGreaterThan(4);
    for (const answers of others) expect(answers).toEqual(overHttp);
  },
);

test('the comparison of two transports finds a result that differs', () => {
  const answers = (id: string, title: string) => normalize([{ id, title }, { id: `again ${id}` }]);
  const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  expect(answers(one, 'x')).toEqual(answers(other, 'x'));
  expect(answers(one, 'x')).not.toEqual(answers(one, 'y'));
  expect(normalize([{ id: one }, { id: one }])).not.toEqual(normalize([{ id: one }, { id: other }]));
});

const Listing = z.object({ tools: z.array(z.object({ name: z.string() })) });

/** Creates an assistant that appends every result, and the code and message of every error, to `answers`. */
function recordAnswers(client: McpClient | McpClientV2, transport: 'http' | 'stdio', answers: unknown[]): Assistant {
  async function record<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await request();
      answers.push(answer);
      return answer;
    } catch (error) {
      const { code, message } = z.object({ code: z.number(), message: z.string() }).parse(error);
      answers.push({ code, message });
      return undefined;
    }
  }
  return {
    async call(name, args = {}) {
      const call = async (): Promise<unknown> => client.callTool({ name, arguments: args });
      return CallToolResultSchema.parse((await record(call)) ?? {});
    },
    async callBeyondScope(name, args, scope) {
      const called = client.callTool({ name, arguments: args });
      if (transport === 'http') await expect(called).rejects.toSatisfy(isForbidden);
      else
        expect(withoutRevision(await called)).toEqual({
          isError: true,
          content: [{ type: 'text', text: expect.stringContaining(`lacks the scope ${scope}`) }],
          _meta: { 'yata/error': { code: 'insufficient_scope', retryable: false, scope } },
        });
      answers.push({ rejected: name, scope });
    },
    async read(uri) {
      return record(() => client.readResource({ uri }));
    },
    async prompt(name, args = {}) {
      const got = await record(() => client.getPrompt({ name, arguments: args }));
      return got?.messages.map(({ content }) => textOf(content)).join('\n') ?? '';
    },
    async completeId(words) {
      const ref = { type: 'ref/resource', uri: 'todo://{id}' } as const;
      const completed = await record(() => client.complete({ ref, argument: { name: 'id', value: words } }));
      return completed?.completion.values ?? [];
    },
    async toolNames() {
      const list = async (): Promise<unknown> => client.listTools();
      return Listing.parse(await record(list)).tools.map(({ name }) => name);
    },
  };
}

/**
 * Replaces the values that differ between two runs: cursors, times, positions, and ids. An id is replaced by the number
 * of its first occurrence, so that equal ids stay equal. What one revision adds to every answer is left out.
 */
function normalize(answers: readonly unknown[]): readonly unknown[] {
  const ids = new Map<string, string>();
  const text = JSON.stringify(answers.map(withoutRevision))
    .replace(/[\w-]{60,}/g, '<cursor>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
      return ids.get(id) ?? id;
    })
    // the default position of a todo is the time of its creation in milliseconds
    .replace(/\b1[7-9]\d{11}\b/g, '0')
    .replace(/\b(?!2001|2090)\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, '<time>');
  return z.array(z.unknown()).parse(JSON.parse(text));
}

/** Whether an error is the 403 of a missing scope, as one of the two versions of the SDK shows it. */
function isForbidden(error: unknown): boolean {
  return error instanceof InsufficientScopeError || Object(error).code === 403;
}

/** Leaves out who answered and how long the answer may be kept, and what SDK v1 writes before the text of an error. */
function withoutRevision(answer: unknown): unknown {
  const { ttlMs: _, cacheScope: __, _meta, code, message, ...others } = Object(answer);
  const { 'io.modelcontextprotocol/serverInfo': ___, ...meta } = Object(_meta);
  return {
    ...others,
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
    // each revision has its own code for a resource that does not exist
    ...(code !== undefined && { code: code === -32002 ? -32602 : code }),
    ...(message !== undefined && { message: message.replace(/^MCP error -\d+: /, '') }),
  };
}

/** The text that a model reads of a message. */
function textOf(content: PromptMessage['content']): string {
  if (content.type === 'text') return content.text;
  return content.type === 'resource' && 'text' in content.resource ? content.resource.text : '';
}
