import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
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

test('there are ten conversations and more', () => {
  expect(conversations.length).toBeGreaterThanOrEqual(10);
});

test.each(conversations)(
  '$about: both transports give the same answers, and lead to the same todos',
  async ({ scopes, play, end }) => {
    const roads = [
      [connectOverHttp, 'http'],
      [connectOverStdio, 'stdio'],
    ] as const;
    const played = await Promise.all(
      roads.map(async ([connectOver, road]) => {
        const credentials = await system.registerClient(scopes && { scopes: [...scopes] });
        await using client = await connectOver(system, credentials);
        const answers: unknown[] = [];
        await play(keepAnswers(client, road, answers));
        expect(await listTodos(system, credentials), road).toEqual(
          end.map((fields) => expect.objectContaining(fields)),
        );
        return answers;
      }),
    );
    const [overHttp, overStdio] = played.map(normalise);
    expect(overHttp?.length).toBeGreaterThan(4);
    expect(overStdio).toEqual(overHttp);
  },
);

test('an answer that differs is seen', () => {
  const answers = (id: string, title: string) => normalise([{ id, title }, { id: `again ${id}` }]);
  const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  expect(answers(one, 'x')).toEqual(answers(other, 'x'));
  expect(answers(one, 'x')).not.toEqual(answers(one, 'y'));
  expect(normalise([{ id: one }, { id: one }])).not.toEqual(normalise([{ id: one }, { id: other }]));
});

/** An assistant over `road` that keeps every answer, and every refusal as its client is told it. */
function keepAnswers(client: McpClient, road: 'http' | 'stdio', answers: unknown[]): Assistant {
  async function kept<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask();
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
      return CallToolResultSchema.parse((await kept(() => client.callTool({ name, arguments: args }))) ?? {});
    },
    async callBeyondScope(name, args, scope) {
      const called = client.callTool({ name, arguments: args });
      if (road === 'http') await expect(called).rejects.toMatchObject({ code: 403 });
      else
        expect(await called).toEqual({
          isError: true,
          content: [{ type: 'text', text: expect.stringContaining(`the scope ${scope} is needed`) }],
        });
      answers.push({ refused: name, scope });
    },
    async read(uri) {
      return kept(() => client.readResource({ uri }));
    },
    async prompt(name, args = {}) {
      const got = await kept(() => client.getPrompt({ name, arguments: args }));
      return got?.messages.map(({ content }) => (content.type === 'text' ? content.text : '')).join('\n') ?? '';
    },
    async completeId(words) {
      const ref = { type: 'ref/resource', uri: 'todo://{id}' } as const;
      const completed = await kept(() => client.complete({ ref, argument: { name: 'id', value: words } }));
      return completed?.completion.values ?? [];
    },
    async toolNames() {
      return (await kept(() => client.listTools()))?.tools.map(({ name }) => name) ?? [];
    },
  };
}

/** Answers with every id, time and cursor, which are others each time, replaced, ids by the order in which they came. */
function normalise(answers: readonly unknown[]): readonly unknown[] {
  const ids = new Map<string, string>();
  const text = JSON.stringify(answers)
    .replace(/[\w-]{60,}/g, '<cursor>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
      return ids.get(id) ?? id;
    })
    // the position of a todo that was given none is the time in milliseconds
    .replace(/\b1[7-9]\d{11}\b/g, '0')
    .replace(/\b(?!2001|2090)\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, '<time>');
  return z.array(z.unknown()).parse(JSON.parse(text));
}
