import { describe, expect, test } from 'vitest';
import { batchTodos } from './batch-todos.ts';
import { createTodo } from './create-todo.ts';
import { listTodos } from './list-todos.ts';
import { tolerateArguments } from './tolerate-arguments.ts';
import { updateTodo } from './update-todo.ts';

const argsOf = (args: unknown, tool: { readonly inputSchema: Parameters<typeof tolerateArguments>[1] }) =>
  tolerateArguments(args, tool.inputSchema).args;

describe('null', () => {
  test('is absent for an optional argument without a null of its own', () => {
    expect(argsOf({ title: 'a', description: null, tags: null, position: null }, createTodo)).toEqual({ title: 'a' });
    expect(argsOf({ limit: null, query: null }, listTodos)).toEqual({});
    const operations = [{ op: 'create', title: 'a', id: null, expected_version: null }];
    expect(argsOf({ operations, idempotency_key: null }, batchTodos)).toEqual({
      operations: [{ op: 'create', title: 'a' }],
    });
  });

  test('clears a field where it has that meaning', () => {
    const args = { id: 'i', due_at: null, description: null, priority: null, tags: null };
    expect(argsOf(args, updateTodo)).toEqual(args);
  });

  test('stays for a required argument, which is then not valid', () => {
    expect(argsOf({ title: null }, createTodo)).toEqual({ title: null });
  });
});

describe('a string', () => {
  test.each([
    ['a list', { tags: '["a","b"]' }, { tags: ['a', 'b'] }],
    ['an integer', { priority: '1' }, { priority: 1 }],
    ['a number', { position: '-1.5' }, { position: -1.5 }],
    ['a boolean', { completed: 'true' }, { completed: true }],
  ])('is the JSON in it where the schema wants %s', (_type, args, expected) => {
    expect(argsOf(args, createTodo)).toEqual(expected);
  });

  test('is the JSON in it also inside a list that is a string', () => {
    const operations = '[{"op":"create","title":"1","tags":"[\\"a\\"]","priority":"2"}]';
    expect(argsOf({ operations }, batchTodos)).toEqual({
      operations: [{ op: 'create', title: '1', tags: ['a'], priority: 2 }],
    });
  });

  test.each(['123', 'true', 'null', '["a"]', '{"a":1}'])('that contains %s stays where a string is wanted', (title) => {
    expect(argsOf({ title, description: title }, createTodo)).toEqual({ title, description: title });
    expect(argsOf({ title, description: title }, updateTodo)).toEqual({ title, description: title });
  });

  test.each([
    [{ priority: 'high' }],
    [{ priority: '1.5' }],
    [{ tags: 'a, b' }],
    [{ tags: '{"a":1}' }],
    [{ completed: 'yes' }],
    [{ completed: '1' }],
    [{ title: 1 }],
  ])('of another type stays, and a number is no string: %j', (args) => {
    expect(argsOf(args, createTodo)).toEqual(args);
  });
});

describe('an unknown argument', () => {
  test('is left out and named by its path', () => {
    const operations = [{ op: 'create', title: 'a', deadline: 'x' }, { op: 'restore' }];
    expect(tolerateArguments({ operations, zzz: 1 }, batchTodos.inputSchema)).toEqual({
      args: { operations: [{ op: 'create', title: 'a' }, { op: 'restore' }] },
      ignored: ['operations.0.deadline', 'zzz'],
      misnamed: [],
    });
  });

  test.each([
    ['due', 'due_at'],
    ['dueAt', 'due_at'],
    ['due_date', 'due_at'],
    ['dueOn', 'due_on'],
    ['desciption', 'description'],
    ['Title', 'title'],
    ['tag', 'tags'],
    ['prio', 'priority'],
    ['idempotency-key', 'idempotency_key'],
  ])('%s is nearly %s', (given, known) => {
    expect(tolerateArguments({ title: 'a', [given]: 1 }, createTodo.inputSchema)).toMatchObject({
      ignored: [],
      misnamed: [{ field: given, expected: `the name ${known}` }],
    });
  });

  test.each(['__proto__', 'constructor', 'toString'])('with the name %s is like any other', (name) => {
    const args = JSON.parse(`{"title":"a","${name}":1}`);
    expect(tolerateArguments(args, createTodo.inputSchema)).toEqual({
      args: { title: 'a' },
      ignored: [name],
      misnamed: [],
    });
  });
});

test.each([undefined, null, 5, 'text', []])('arguments that are no object stay as they are: %j', (args) => {
  expect(argsOf(args, createTodo)).toEqual(args);
});
