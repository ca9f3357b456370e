import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLink, createSetupLink } from '../../auth/one-time-links/one-time-links.ts';
import { openBrowser } from '../support/browser.ts';
import { createPerson } from '../support/persons.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const tokenOf = (link: { url: string } | undefined) => link?.url.split('#')[1] ?? '';

test('a one-time link is opened by a POST, works once, and ends after its time', async () => {
  const link = await createLink(system.em.fork(), system.issuer, { kind: 'invitation', displayName: 'Invited' });
  const token = tokenOf(link);
  const browser = openBrowser(system.issuer);
  for (let get = 0; get < 2; get++) expect((await browser.open('/welcome')).status).toBe(200);
  const shown = await browser.submit('/welcome', { token });
  expect(shown.fields).toMatchObject({ username: 'Invited', token });
  // showing the form uses nothing up
  const form = { token, username: 'Invited', password: 'a long password of Invited' };
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => openBrowser(system.issuer).submit('/welcome', form)),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400]);
  expect((await browser.submit('/welcome', { token })).text).toContain('This link is not valid');
  const expired = await createLink(system.em.fork(), system.issuer, { kind: 'invitation', hours: 1 });
  await system.em.fork().execute("update auth.one_time_link set expires_at = now() - interval '1 second'");
  expect((await browser.submit('/welcome', { token: tokenOf(expired) })).status).toBe(400);
  const stored = JSON.stringify(await system.em.fork().execute('select * from auth.one_time_link'));
  expect(stored).not.toContain(tokenOf(expired));
});

test('a link for the first account works until there is one', async () => {
  await using empty = await startSystem();
  const [one, two] = [
    await createSetupLink(empty.em.fork(), empty.issuer),
    await createSetupLink(empty.em.fork(), empty.issuer),
  ];
  const use = (link: { url: string } | undefined, name: string) =>
    openBrowser(empty.issuer).submit('/welcome', { token: tokenOf(link), username: name, password: 'a long password' });
  const answers = await Promise.all([use(one, 'One'), use(two, 'Two')]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400]);
  expect(await createSetupLink(empty.em.fork(), empty.issuer)).toBeUndefined();
});

test('a user name that looks like another one, or like an id, is not accepted', async () => {
  await createPerson(system, 'Émile');
  const make = async (username: string) => {
    const link = await createLink(system.em.fork(), system.issuer, { kind: 'invitation' });
    const form = { token: tokenOf(link), username, password: 'a password that is long' };
    const page = await openBrowser(system.issuer).submit('/welcome', form);
    return page.status;
  };
  expect(await make('émile')).toBe(409);
  expect(await make('E\u0301MILE')).toBe(409);
  for (const name of [
    'usr_abc',
    'USR_abc',
    'Émile\ufe0f',
    'Émile\u3164',
    '\u2800',
    'a\u202eb',
    ' a',
    '',
    'ﷺ'.repeat(64),
    'a\0',
    'x'.repeat(65),
  ])
    expect({ name, status: await make(name) }).toEqual({ name, status: 400 });
});
