import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createLink } from '../../auth/one-time-links/one-time-links.ts';
import { openBrowser } from '../support/browser.ts';
import { openAdministration } from '../support/open-administration.ts';
import { createPerson } from '../support/persons.ts';
import { parseTokens, registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

// On PostgreSQL transactions run at the same time. The embedded database has one connection.

vi.setConfig({ testTimeout: 60_000 });

let system: System;
let administration: Awaited<ReturnType<typeof openAdministration>>;
beforeAll(async () => {
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  administration = await openAdministration(system);
});
beforeEach(({ skip }) =>
  skip(system.database.kind === 'embedded', 'the embedded database runs one transaction at a time'),
);
afterAll(() => system[Symbol.asyncDispose]());

const isAccepted = async (accessToken: string) =>
  (
    await fetch(`${system.mcpResource}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
  ).status === 200;

const countDeadlocks = async () =>
  (
    await system.em
      .fork()
      .execute<{ deadlocks: number }[]>(
        'select deadlocks::int from pg_stat_database where datname = current_database()',
      )
  )[0]?.deadlocks;

test('a refresh at the same time as a revocation leaves no access token that is valid', async () => {
  const person = await createPerson(system, 'races');
  const client = await registerPublicClient(system);
  const outcomes = new Set<number>();
  for (let round = 0; round < 12; round++) {
    const { refresh_token, access_token } = await client.connect(person);
    // the block of the connection is used up, so that the refresh needs a lease
    let tokens = refresh_token;
    for (let use = 0; use < 3; use++) tokens = parseTokens(await (await client.refresh(tokens)).json()).refresh_token;
    const [refreshed, revoked] = await Promise.all([
      client.refresh(tokens),
      administration.send('DELETE', `/connections?client_id=${client.id}`),
    ]);
    expect(revoked.status).toBe(200);
    outcomes.add(refreshed.status);
    const issued = refreshed.status === 200 ? [parseTokens(await refreshed.json()).access_token] : [];
    if (refreshed.status !== 200) expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' });
    for (const token of [access_token, ...issued]) await expect.poll(() => isAccepted(token)).toBe(false);
  }
  expect([...outcomes].every((status) => status === 200 || status === 400)).toBe(true);
});

test.each([
  ['loses', 'revoke'],
  ['wins', 'refresh'],
] as const)(
  'a refresh that %s the lock of its connection against a revocation is rejected or revoked',
  async (_, first) => {
    const person = await createPerson(system, `lock ${first}`);
    const client = await registerPublicClient(system, { client_name: first });
    const { refresh_token } = await client.connect(person);
    const started: Promise<Response>[] = [];
    await system.em.fork().transactional(async (transaction) => {
      // both wait for this lock, in the order in which they come
      await transaction.execute('select 1 from auth.connection where client_id = ? for update', [client.id]);
      const revoke = () => administration.send('DELETE', `/connections?client_id=${client.id}`);
      const refresh = () => client.refresh(refresh_token);
      started.push(first === 'revoke' ? revoke() : refresh());
      await new Promise((resolve) => setTimeout(resolve, 200));
      started.push(first === 'revoke' ? refresh() : revoke());
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    const answers = await Promise.all(started);
    const [revoked, refreshed] = first === 'revoke' ? answers : answers.toReversed();
    expect(revoked?.status).toBe(200);
    if (refreshed?.status === 200) {
      const { access_token } = parseTokens(await refreshed.json());
      await expect.poll(() => isAccepted(access_token)).toBe(false);
    } else expect(refreshed?.status).toBe(400);
    await expect.poll(async () => (await client.refresh(refresh_token)).status).toBe(400);
  },
);

test('recovery, revocations, sign-outs and administration at the same time cause no deadlock', async () => {
  const before = await countDeadlocks();
  for (let round = 0; round < 4; round++) {
    const person = await createPerson(system, `busy ${round}`);
    const clients = await Promise.all(
      ['a', 'b', 'c'].map((name) => registerPublicClient(system, { client_name: `${name}${round}` })),
    );
    const tokens = await Promise.all(clients.map((client) => client.connect(person)));
    const link = await createLink(system.em.fork(), system.issuer, { kind: 'recovery', accountId: person.id });
    const recover = openBrowser(system.issuer).submit('/welcome', {
      token: link.url.split('#')[1] ?? '',
      username: person.name,
      password: 'a password after recovery',
    });
    const answers = await Promise.all([
      recover,
      ...clients.map((client, index) => client.revoke(tokens[index]?.refresh_token ?? '')),
      ...clients.map((client, index) => client.refresh(tokens[index]?.refresh_token ?? '')),
      administration.send('DELETE', `/connections?username=${encodeURIComponent(person.name)}`),
      administration.send('PATCH', `/users/${encodeURIComponent(person.name)}`, { active: round % 2 === 0 }),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
    for (const { access_token } of tokens) await expect.poll(() => isAccepted(access_token)).toBe(false);
  }
  // the statistics of PostgreSQL come with a delay
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await countDeadlocks()).toBe(before);
});
