import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { Scope } from '../../shared/scopes.ts';

/** An assistant that plays a conversation. Each method records the result or the error that the MCP server returned. */
export type Assistant = {
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<CallToolResult>;
  /** Calls a tool that needs a scope which the client does not have: a 403 over HTTP, a tool error over stdio. */
  readonly callBeyondScope: (name: string, args: Record<string, unknown>, scope: Scope) => Promise<void>;
  readonly read: (uri: string) => Promise<unknown>;
  readonly prompt: (name: string, args?: Record<string, string>) => Promise<string>;
  readonly completeId: (words: string) => Promise<readonly string[]>;
  readonly toolNames: () => Promise<readonly string[]>;
};

export type Conversation = {
  readonly title: string;
  /** The scopes of the client. Without them it has all. */
  readonly scopes?: readonly Scope[];
  readonly play: (assistant: Assistant) => Promise<void>;
  /** The todos in the API after the conversation, with the fields that matter. */
  readonly expectedTodos: readonly Record<string, unknown>[];
};

const Shown = z.looseObject({ id: z.string(), title: z.string(), version: z.int() });
const List = z.object({ todos: z.array(Shown), total: z.int(), next_cursor: z.string().optional() });

const todoOf = ({ structuredContent }: CallToolResult) => Shown.parse(structuredContent);
const listOf = ({ structuredContent }: CallToolResult) => List.parse(structuredContent);

/** Returns the text of a tool error. @throws when there is no error with `part`: the conversation failed before. */
function errorOf({ isError, content: [content] }: CallToolResult, part: string | RegExp): string {
  const text = content?.type === 'text' ? content.text : '';
  if (isError !== true || text.search(part) < 0) throw new Error(`expected a tool error with ${part}, got: ${text}`);
  return text;
}

function requireDefined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value, got undefined');
  return value;
}

const WRONG_ID = '11111111-1111-4111-8111-111111111111';

/**
 * Conversations of an assistant with the MCP server, each with an empty todo list. The times in them are in 2001 or
 * 2090; the comparison of two transports ignores all others, because they come from the clock.
 */
export const conversations: readonly Conversation[] = [
  {
    title: 'a shopping list',
    async play({ call }) {
      listOf(await call('list_todos'));
      const milk = todoOf(await call('create_todo', { title: 'Milk', tags: ['shop'] }));
      await call('create_todo', { title: 'Bread', tags: ['shop'], description: 'The dark one' });
      await call('create_todo', { title: 'Call the plumber', priority: 2 });
      await call('list_todos', { tag: 'shop', response_format: 'detailed' });
      await call('complete_todo', { id: milk.id });
      await call('list_todos', { completed: false });
    },
    expectedTodos: [
      { title: 'Milk', completed: true, version: 2, tags: ['shop'] },
      { title: 'Bread', completed: false, version: 1, description: 'The dark one' },
      { title: 'Call the plumber', completed: false, priority: 2 },
    ],
  },
  {
    title: 'a wrong id',
    async play({ call }) {
      await call('create_todo', { title: 'Water the roses' });
      await call('create_todo', { title: 'Water the cactus' });
      errorOf(
        await call('update_todo', { id: WRONG_ID, title: 'x' }),
        /There is no todo with this id\. Call list_todos/,
      );
      errorOf(await call('get_todo', { id: 'the cactus' }), 'id: expected a UUID');
      const { todos } = listOf(await call('list_todos', { query: 'cactus' }));
      const { id } = requireDefined(todos[0]);
      await call('get_todo', { id });
      await call('update_todo', { id, title: 'Water the cactus, a little' });
    },
    expectedTodos: [
      { title: 'Water the roses', version: 1 },
      { title: 'Water the cactus, a little', version: 2 },
    ],
  },
  {
    title: 'a stale version',
    async play({ call }) {
      const { id, version } = todoOf(await call('create_todo', { title: 'Write the report' }));
      await call('update_todo', { id, description: 'Two pages', expected_version: version });
      const text = errorOf(
        await call('update_todo', { id, description: 'Three pages', expected_version: version }),
        'its version is now 2. Nothing was done. Call get_todo',
      );
      await call('get_todo', { id });
      const current = Number(/version is now (\d+)/.exec(text)?.[1]);
      await call('update_todo', { id, description: 'Two pages and a picture', expected_version: current });
      errorOf(await call('delete_todo', { id, expected_version: current }), 'version is now 3');
      await call('complete_todo', { id, expected_version: 3 });
    },
    expectedTodos: [{ title: 'Write the report', description: 'Two pages and a picture', completed: true, version: 4 }],
  },
  {
    title: 'a next page and a cursor that is cut off',
    async play({ call }) {
      const operations = Array.from({ length: 7 }, (_, index) => ({ op: 'create', title: `Chapter ${index + 1}` }));
      await call('batch_todos', { operations });
      const page = { limit: 3, sort: 'position' };
      const first = listOf(await call('list_todos', page));
      const cursor = requireDefined(first.next_cursor);
      errorOf(
        await call('list_todos', { ...page, cursor: cursor.slice(0, -9) }),
        'The cursor does not belong to this list.',
      );
      errorOf(
        await call('list_todos', { limit: 3, sort: '-position', cursor }),
        'The cursor does not belong to this list.',
      );
      // deleting a todo of a page that was read moves no todo to another page
      await call('delete_todo', { id: requireDefined(first.todos[0]).id });
      const second = listOf(await call('list_todos', { ...page, cursor }));
      const third = listOf(await call('list_todos', { ...page, cursor: requireDefined(second.next_cursor) }));
      if (third.next_cursor !== undefined) throw new Error('expected the last page');
      const rest = [...first.todos.slice(1), ...second.todos, ...third.todos];
      await call('batch_todos', { operations: rest.map(({ id }) => ({ op: 'update', id, completed: true })) });
      await call('list_todos', { completed: false });
    },
    expectedTodos: [2, 3, 4, 5, 6, 7].map((number) => ({ title: `Chapter ${number}`, completed: true, version: 2 })),
  },
  {
    title: 'a missing scope',
    scopes: ['todos:read'],
    async play({ call, callBeyondScope, read, toolNames }) {
      await toolNames();
      await call('list_todos');
      await callBeyondScope('create_todo', { title: 'Not allowed' }, 'todos:write');
      await callBeyondScope('batch_todos', { operations: [{ op: 'create', title: 'Nor this' }] }, 'todos:write');
      await callBeyondScope('delete_todo', { id: WRONG_ID }, 'todos:write');
      // the assistant continues with the tools that it may call
      await call('list_todos', { completed: false });
      await read('todo://today');
    },
    expectedTodos: [],
  },
  {
    title: 'a batch that fails and is corrected',
    async play({ call }) {
      const { id } = todoOf(await call('create_todo', { title: 'Pack' }));
      const operations = [
        { op: 'create', title: 'Book the hotel', due_at: '2090-05-01T09:00:00+02:00' },
        { op: 'update', id: WRONG_ID, completed: true },
        { op: 'update', id, title: 'Pack the bags', expected_version: 7 },
      ];
      errorOf(
        await call('batch_todos', { operations }),
        /operations\.1: there is no todo with this id\. operations\.2: the todo has changed, its version is now 1\./,
      );
      listOf(await call('list_todos'));
      errorOf(await call('batch_todos', { operations: [{ op: 'update', title: 'x' }] }), 'operations.0.id: expected');
      await call('batch_todos', { operations: [operations[0], { ...operations[2], expected_version: 1 }] });
      await call('list_todos', { sort: 'due_at' });
    },
    expectedTodos: [
      { title: 'Pack the bags', version: 2 },
      { title: 'Book the hotel', due_at: '2090-05-01T07:00:00.000Z', version: 1 },
    ],
  },
  {
    title: 'a todo that is deleted and then restored',
    async play({ call, read }) {
      const { id } = todoOf(
        await call('create_todo', { title: 'Grandma’s recipe', description: 'With plums', priority: 1 }),
      );
      await call('delete_todo', { id });
      errorOf(await call('get_todo', { id }), 'There is no todo with this id');
      await read(`todo://${id}`);
      await call('list_todos');
      await call('restore_todo', { id });
      errorOf(await call('restore_todo', { id: WRONG_ID }), 'There is no todo with this id');
      await call('get_todo', { id });
    },
    expectedTodos: [{ title: 'Grandma’s recipe', description: 'With plums', priority: 1, version: 3 }],
  },
  {
    title: 'calls repeated with an idempotency key',
    async play({ call }) {
      const create = { title: 'Pay the rent', idempotency_key: 'rent-2090-01' };
      const first = todoOf(await call('create_todo', create));
      const again = todoOf(await call('create_todo', create));
      if (first.id !== again.id) throw new Error('expected the same todo');
      errorOf(
        await call('create_todo', { ...create, title: 'Pay the gas' }),
        'This idempotency_key was used for a different call',
      );
      await call('create_todo', { title: 'Pay the gas', idempotency_key: 'gas-2090-01' });
      const batch = {
        operations: [
          { op: 'create', title: 'Pay the water' },
          { op: 'update', id: first.id, completed: true },
        ],
        idempotency_key: 'batch-2090-01',
      };
      await call('batch_todos', batch);
      await call('batch_todos', batch);
      await call('list_todos');
    },
    expectedTodos: [
      { title: 'Pay the rent', completed: true, version: 2 },
      { title: 'Pay the gas', version: 1 },
      { title: 'Pay the water', version: 1 },
    ],
  },
  {
    title: 'a plan for the day and what follows',
    async play({ call, prompt, read }) {
      await call('batch_todos', {
        operations: [
          { op: 'create', title: 'File the taxes', due_at: '2001-04-15T12:00:00Z', priority: 1 },
          { op: 'create', title: 'Renew the passport', due_at: '2001-06-01T12:00:00Z' },
          { op: 'create', title: 'Learn Greek' },
        ],
      });
      const plan = await prompt('plan_my_day', { hours: '4' });
      const [taxes, passport] = Array.from(plan.matchAll(/id ([0-9a-f-]{36})/g), ([, id]) => id);
      await call('complete_todo', { id: taxes });
      await call('update_todo', { id: passport, due_at: '2090-06-01T12:00:00Z', expected_version: 1 });
      await read('todo://today');
      await prompt('plan_my_day');
      await prompt('weekly_review');
    },
    expectedTodos: [
      { title: 'File the taxes', completed: true },
      { title: 'Renew the passport', completed: false, due_at: '2090-06-01T12:00:00.000Z' },
      { title: 'Learn Greek', completed: false },
    ],
  },
  {
    title: 'a todo that is found by its words',
    async play({ call, completeId, read }) {
      await call('create_todo', { title: 'Buy milk' });
      await call('create_todo', { title: 'Buy a birthday present', description: 'For Ada' });
      await call('create_todo', { title: 'Sell the bicycle' });
      listOf(await call('list_todos', { query: 'present ada' }));
      const [id = ''] = await completeId('birth');
      await read(`todo://${id}`);
      await call('complete_todo', { id });
      await completeId('nothing of this kind');
      await call('list_todos', { query: 'buy', completed: false });
    },
    expectedTodos: [
      { title: 'Buy milk', completed: false },
      { title: 'Buy a birthday present', completed: true },
      { title: 'Sell the bicycle', completed: false },
    ],
  },
  {
    title: 'invalid arguments that are corrected',
    async play({ call, read }) {
      errorOf(await call('create_todo', { titel: 'Dentist' }), /titel: expected the name title\. title: expected /);
      errorOf(await call('create_todo', { title: 'Dentist', due_at: 'tomorrow' }), /due_at: expected an RFC 3339 time/);
      errorOf(
        await call('create_todo', { title: 'Dentist', priority: 9 }),
        'priority: expected a whole number from 1 to 4',
      );
      errorOf(
        await call('create_todo', { title: '  ' }),
        'title: expected a string with a character other than white space',
      );
      const { id } = todoOf(
        await call('create_todo', { title: 'Dentist', due_at: '2090-01-02T08:30:00Z', priority: 3 }),
      );
      errorOf(await call('update_todo', { id, title: '' }), 'title: expected');
      // null is absent for a field that cannot be cleared
      await call('update_todo', { id, title: null });
      await call('update_todo', { id, priority: null, due_at: null });
      await call('update_todo', { id });
      await read('todo://tomorrow');
      await call('drop_todo', { id });
    },
    expectedTodos: [{ title: 'Dentist', due_at: null, priority: 4 }],
  },
  {
    title: 'a list that is put in order',
    async play({ call, prompt }) {
      await call('batch_todos', {
        operations: [
          { op: 'create', title: 'One', position: 1 },
          { op: 'create', title: 'Two', position: 2 },
          { op: 'create', title: 'Three', position: 3 },
        ],
      });
      const { todos } = listOf(await call('list_todos', { sort: 'position' }));
      const [one, two, three] = [requireDefined(todos[0]), requireDefined(todos[1]), requireDefined(todos[2])];
      await call('update_todo', { id: three.id, position: 1.5 });
      await call('batch_todos', {
        operations: [
          { op: 'delete', id: one.id, expected_version: one.version },
          { op: 'update', id: two.id, completed: true, tags: ['done'] },
        ],
      });
      await call('list_todos', { sort: 'position', response_format: 'detailed' });
      await prompt('weekly_review');
      await call('restore_todo', { id: one.id });
    },
    expectedTodos: [
      { title: 'One', position: 1, version: 3 },
      { title: 'Two', position: 2, completed: true, tags: ['done'] },
      { title: 'Three', position: 1.5, version: 2 },
    ],
  },
];
