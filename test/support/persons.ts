import { createLink } from '../../auth/one-time-links/one-time-links.ts';
import { type Browser, openBrowser, type Page } from './browser.ts';
import type { System } from './start-system.ts';

/** A person with an account, and a browser in which the person is not signed in. */
export type Person = { readonly name: string; readonly password: string; readonly id: string };

/** Makes an account with a password, through a one-time link. */
export async function createPerson(system: Pick<System, 'issuer' | 'em'>, name = 'Ada'): Promise<Person> {
  const link = await createLink(system.em.fork(), system.issuer, { kind: 'invitation', displayName: name });
  const password = await acceptInvitation(link.url, name);
  const [account] = await system.em
    .fork()
    .execute<{ id: string }[]>('select id from auth.account where display_name = ?', [name]);
  return { name, password, id: account?.id ?? '' };
}

/** Makes the account that a one-time link is for. @returns its password. */
export async function acceptInvitation(url: string, name: string): Promise<string> {
  const password = `the long password of ${name}`;
  const browser = openBrowser(new URL(url).origin);
  const [, token = ''] = url.split('#');
  const page = await browser.submit('/welcome', { token, username: name, password });
  if (page.status !== 200) throw new Error(`the account was not made: ${page.status} ${page.text}`);
  return password;
}

/** Signs a person in at the page of an authorization request, if it asks for that. Returns the consent page. */
export async function signIn(browser: Browser, page: Page, { name, password }: Person): Promise<Page> {
  if (!page.text.includes('<h1>Sign in</h1>')) return page;
  return browser.submit(page.url, { action: 'sign-in', username: name, password });
}

/** Opens the account page of a person in a new browser. */
export async function openAccount(
  system: Pick<System, 'issuer'>,
  { name, password }: Person,
): Promise<{ browser: Browser; page: Page }> {
  const browser = openBrowser(system.issuer);
  const page = await browser.submit('/sign-in', { username: name, password });
  return { browser, page };
}
