import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAdministration } from '../support/open-administration.ts';
import { createPerson, openAccount } from '../support/persons.ts';
import { registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

test('an administrator cannot give the client of persons what its kind does not have', async () => {
  const client = await registerPublicClient(system);
  const administration = await openAdministration(system);
  for (const changes of [{ scope: 'admin' }, { one_token_at_a_time: true }])
    expect((await administration.send('PATCH', `/clients/${client.id}`, changes)).status).toBe(400);
  const created = await administration.send('POST', '/clients', {
    client_name: 'Public',
    scope: 'todos:read',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://localhost/callback'],
    resources: [`${system.issuer}/admin`],
  });
  expect(created.status).toBe(400);
});

test('an account is administered by its name and by its id', async () => {
  const own = await createPerson(system, 'Named');
  const administration = await openAdministration(system);
  for (const name of ['Named', 'NAMED', own.id])
    expect(await (await administration.send('GET', `/users/${name}`)).json()).toMatchObject({ id: own.id });
  expect((await administration.send('GET', `/users/${own.id.slice(0, -1)}`)).status).toBe(404);
  expect((await administration.send('POST', '/invitations', { username: 'named' })).status).toBe(409);
  const invited = await administration.send('POST', '/invitations', { username: 'New one', hours: 2 });
  expect(await invited.json()).toMatchObject({ url: expect.stringMatching(/\/welcome#[A-Za-z0-9_-]{43}$/) });
  const deleted = await administration.send('DELETE', `/users/${own.id}`);
  expect(deleted.status).toBe(200);
  expect((await openAccount(system, own)).page.status).toBe(401);
  const audit = JSON.stringify(await (await administration.send('GET', '/audit?limit=20')).json());
  for (const action of ['user.invite', 'user.delete', 'user.create']) expect(audit).toContain(action);
  expect(audit).not.toMatch(/welcome#/);
});
