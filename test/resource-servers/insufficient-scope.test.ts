import { expect, test } from 'vitest';
import { parseBearerChallenge } from '../support/parse-bearer-challenge.ts';
import { createPerson } from '../support/persons.ts';
import { registerPublicClient } from '../support/public-client.ts';
import { startSystem } from '../support/start-system.ts';

test('an assistant that lacks a scope learns which scopes to ask for, and the person what to do', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const client = await registerPublicClient(system);
  const { access_token } = await client.connect(person, ['todos:read']);
  const callTool = (name: string, args: object) =>
    fetch(system.mcpResource, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${access_token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
    });
  expect((await callTool('list_todos', {})).status).toBe(200);
  const rejected = await callTool('create_todo', { title: 'a' });
  expect(rejected.status).toBe(403);
  const sentence = 'The access token lacks the scope todos:write. Sign in again and allow it';
  expect(await rejected.text()).toContain(sentence);
  expect(parseBearerChallenge(rejected)).toMatchObject({
    error: 'insufficient_scope',
    error_description: sentence,
    // a host that asks for exactly these scopes keeps what it has
    scope: 'todos:read todos:write',
  });
});

test('a program that lacks a scope learns that scope alone', async () => {
  await using system = await startSystem();
  const program = await system.registerClient({ scopes: ['todos:read'] });
  const token = await system.getAccessToken(program);
  const response = await fetch(`${system.apiResource}/todos`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'a' }),
  });
  expect(response.status).toBe(403);
  expect(parseBearerChallenge(response)).toMatchObject({
    error_description: 'The access token lacks the scope todos:write',
    scope: 'todos:write',
  });
});
