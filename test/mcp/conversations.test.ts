import { CallToolResultSchema, type PromptMessage } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { type Assistant, conversations } from '../support/conversations.ts';
import { listTodos } from '../support/list-todos.ts';
import { connectOverHttp, connectOverStdio, type McpClient } from '../support/mcp-client.ts';
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
  '$title: both transports return the same results and lead to the same todos',
  async ({ scopes, play, expectedTodos }) => {
    const transports = [
      [connectOverHttp, 'http'],
      [connectOverStdio, 'stdio'],
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
    const [overHttp, overStdio] = played.map(normalize);
    expect(overHttp?.length).toBeGreaterThan(4);
    expect(overStdio).toEqual(overHttp);
  },
);

test('the comparison of two transports finds a result that differs', () => {
  const answers = (id: string, title: string) => normalize([{ id, title }, { id: `again ${id}` }]);
  const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  expect(answers(one, 'x')).toEqual(answers(other, 'x'));
  expect(answers(one, 'x')).not.toEqual(answers(one, 'y'));
  expect(normalize([{ id: one }, { id: one }])).not.toEqual(normalize([{ id: one }, { id: other }]));
});

/** Creates an assistant that appends every result, and the code and message of every error, to `answers`. */
function recordAnswers(client: McpClient, transport: 'http' | 'stdio', answers: unknown[]): Assistant {
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
      return CallToolResultSchema.parse((await record(() => client.callTool({ name, arguments: args }))) ?? {});
    },
    async callBeyondScope(name, args, scope) {
      const called = client.callTool({ name, arguments: args });
      if (transport === 'http') await expect(called).rejects.toMatchObject({ code: 403 });
      else
        expect(await called).toEqual({
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
      return (await record(() => client.listTools()))?.tools.map(({ name }) => name) ?? [];
    },
  };
}

/**
 * Replaces the values that differ between two runs: cursors, times, positions, and ids. An id is replaced by the number
 * of its first occurrence, so that equal ids stay equal.
 */
function normalize(answers: readonly unknown[]): readonly unknown[] {
  const ids = new Map<string, string>();
  const text = JSON.stringify(answers)
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

/** The text that a model reads of a message. */
function textOf(content: PromptMessage['content']): string {
  if (content.type === 'text') return content.text;
  return content.type === 'resource' && 'text' in content.resource ? content.resource.text : '';
}
