import { hash } from 'node:crypto';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { findChromium, launchChromium, NO_CHROMIUM } from '../../shared/testing/chromium.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { connectOverHttp, type McpClient } from '../support/mcp-client.ts';
import { type McpAppsHost, openMcpAppsHost, SPECIFIED_POLICY } from '../support/open-mcp-apps-host.ts';
import { readResourceText } from '../support/read-resource-text.ts';
import { type System, startSystem } from '../support/start-system.ts';

// ui://yata/todo-list in headless Chromium, inside a host that behaves like a real one and calls a running MCP server.

const executablePath = findChromium();

let system: System;
let browser: Browser;
beforeAll(async () => {
  if (executablePath === undefined) return;
  [system, browser] = await Promise.all([startSystem(), launchChromium(executablePath)]);
});
beforeEach(({ skip }) => {
  if (executablePath === undefined) skipOutsideCi(skip, NO_CHROMIUM);
});
afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

async function connect({ scopes = ['todos:read', 'todos:write'] }: { scopes?: string[] } = {}): Promise<McpClient> {
  return connectOverHttp(system, await system.registerClient({ scopes }));
}

const create = (client: McpClient, todo: Record<string, unknown>) =>
  client.callTool({ name: 'create_todo', arguments: todo }).then(({ structuredContent }) => Object(structuredContent));
const list = (client: McpClient, args = {}) =>
  client.callTool({ name: 'list_todos', arguments: args }).then(({ structuredContent }) => Object(structuredContent));

/** Expects that the View requested nothing beyond the pages of the host, and that the browser reported no problem. */
function expectNoProblems({ browserProblems, requestedUrls, ownPages }: McpAppsHost): void {
  expect(browserProblems).toEqual([]);
  const foreign = [...requestedUrls].filter((url) => !ownPages.includes(url) && !/^(data:|about:)/.test(url));
  expect(foreign).toEqual([]);
}

const backgroundOf = ({ view }: McpAppsHost) => view.evaluate('getComputedStyle(document.body).backgroundColor');

async function expectAccessible({ view }: McpAppsHost): Promise<void> {
  await view.evaluate(axe.source);
  const { violations, incomplete, passes } = Object(
    await view.evaluate(
      "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    ),
  ) as axe.AxeResults;
  const describe = ({ id, nodes }: axe.Result) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`;
  expect(violations.map(describe)).toEqual([]);
  expect(incomplete.map(describe)).toEqual([]);
  expect(passes.map(({ id }) => id)).toEqual(expect.arrayContaining(['color-contrast', 'region']));
}

test('the View shows the todos, and shows markup in them as text', async () => {
  await using client = await connect();
  const markup = '<img src="https://stranger.example/x.png" onerror="alert(1)"><b>bold</b>';
  await create(client, { title: markup, tags: ['<i>shop</i>'], description: '</script><script>alert(2)</script>' });
  await create(client, { title: 'Pay rent', due_at: '2020-02-01T09:00:00Z', priority: 1 });
  await create(client, { title: 'Call mum', due_on: '2020-02-01' });
  await create(client, { title: 'Renew the passport', due_on: '2090-02-01' });
  await using host = await openMcpAppsHost({
    browser,
    client,
    args: { response_format: 'detailed', sort: 'created_at' },
    hostContext: { locale: 'en-GB', timeZone: 'Europe/Berlin' },
  });
  const { view } = host;
  expect(await view.getByRole('main').getByRole('heading', { level: 1 }).innerText()).toBe('Todos');
  expect(await view.getByRole('status').first().innerText()).toBe('4 todos');
  const items = view.getByRole('list', { name: 'Todos' }).getByRole('listitem');
  expect(await items.allInnerTexts()).toEqual([
    `${markup}\n\nTags: <i>shop</i>\n\n</script><script>alert(2)</script>`,
    'Pay rent\n\nOverdue since 1 Feb 2020, 10:00 · Priority 1',
    'Call mum\n\nWas due on 1 Feb 2020',
    'Renew the passport\n\nDue on 1 Feb 2090',
  ]);
  expect(await view.locator('img, b, i').count()).toBe(0);
  expect(await view.getByRole('checkbox', { name: markup, exact: true }).count()).toBe(1);
  expect(await view.getByRole('checkbox', { name: 'Pay rent' }).getAttribute('aria-describedby')).toBeTruthy();
  expectNoProblems(host);
});

test('checking a todo completes it, and unchecking reopens it', async () => {
  await using client = await connect();
  const todo = await create(client, { title: 'Buy milk' });
  await using host = await openMcpAppsHost({ browser, client });
  const checkbox = host.view.getByRole('checkbox', { name: 'Buy milk' });

  await checkbox.click();
  await vi.waitFor(async () => expect(await host.view.locator('#change').innerText()).toBe('Done: Buy milk'), 10_000);
  expect(await checkbox.isChecked()).toBe(true);
  expect(await list(client)).toMatchObject({ todos: [{ id: todo.id, completed: true, version: 2 }] });
  await checkbox.click();
  await vi.waitFor(
    async () => expect(await host.view.locator('#change').innerText()).toBe('Reopened: Buy milk'),
    10_000,
  );
  expect(await list(client)).toMatchObject({ todos: [{ id: todo.id, completed: false, version: 3 }] });

  expect(host.calls).toEqual([
    { name: 'complete_todo', arguments: { id: todo.id, completed: true, expected_version: 1 } },
    { name: 'complete_todo', arguments: { id: todo.id, completed: false, expected_version: 2 } },
  ]);
  expectNoProblems(host);
});

test('the next page is requested with the same arguments, and the View can be used by keyboard alone', async () => {
  await using client = await connect();
  for (const title of ['one', 'two', 'three', 'four', 'five']) await create(client, { title });
  const args = { limit: 2, completed: false, sort: 'created_at' };
  await using host = await openMcpAppsHost({ browser, client, args });
  const { page, view } = host;
  const count = view.getByRole('status').first();
  expect(await count.innerText()).toBe('2 of 5 todos');

  await page.locator('iframe').focus();
  const stops: string[] = [];
  for (const _ of 'three') {
    await page.keyboard.press('Tab');
    stops.push(`${await view.evaluate('document.activeElement.id || document.activeElement.labels[0].innerText')}`);
    expect(await view.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    if (stops.length === 3) break;
  }
  expect(stops).toEqual(['one', 'two', 'more']);

  await page.keyboard.press('Enter');
  await vi.waitFor(async () => expect(await count.innerText()).toBe('4 of 5 todos'), 10_000);
  // the focus moves to the first new todo
  expect(await view.evaluate('document.activeElement.labels[0].innerText')).toBe('three');
  await page.keyboard.press('Space');
  await vi.waitFor(async () => expect(await view.locator('#change').innerText()).toBe('Done: three'), 10_000);
  expect(await view.evaluate('document.activeElement.checked')).toBe(true);

  await view.getByRole('button', { name: 'Show more' }).press('Enter');
  await vi.waitFor(async () => expect(await count.innerText()).toBe('5 todos'), 10_000);
  expect(await view.getByRole('button').count()).toBe(0);
  expect(await view.locator('.title').allInnerTexts()).toEqual(['one', 'two', 'three', 'four', 'five']);
  const pages = host.calls.filter(({ name }) => name === 'list_todos');
  expect(pages).toMatchObject([{ arguments: args }, { arguments: args }]);
  expect(pages.map(({ arguments: { cursor } }) => typeof cursor)).toEqual(['string', 'string']);
  expectNoProblems(host);
});

test('a todo that was changed meanwhile is not changed, and the list can be loaded again', async () => {
  await using client = await connect();
  const todo = await create(client, { title: 'Old title' });
  await using host = await openMcpAppsHost({ browser, client, hostContext: { theme: 'dark' } });
  const { view } = host;
  await client.callTool({ name: 'update_todo', arguments: { id: todo.id, title: 'New title' } });

  await view.getByRole('checkbox', { name: 'Old title' }).click();
  const alert = view.getByRole('listitem').getByRole('alert');
  await alert.waitFor();
  expect(await alert.innerText()).toMatch(
    /^“Old title” was not marked as done\. The todo has changed since this list was loaded\.\s+Load the list again$/,
  );
  expect(await view.getByRole('checkbox').isChecked()).toBe(false);
  await expectAccessible(host);

  await alert.getByRole('button', { name: 'Load the list again' }).click();
  await view.getByRole('checkbox', { name: 'New title' }).waitFor();
  expect(await alert.count()).toBe(0);
  expect(await view.locator(':focus').innerText()).toBe('Todos');
  await view.getByRole('checkbox', { name: 'New title' }).click();
  await vi.waitFor(async () => expect(await list(client)).toMatchObject({ todos: [{ completed: true }] }), 10_000);
  expectNoProblems(host);
});

test('the View shows an error when the host rejects a call, and when the server is gone', async () => {
  await using client = await connect();
  await create(client, { title: 'one' });
  await create(client, { title: 'two' });
  await using host = await openMcpAppsHost({ browser, client, args: { limit: 1, sort: 'created_at' } });
  const { view } = host;
  const alert = view.getByRole('alert');

  vi.spyOn(client, 'request').mockRejectedValueOnce(new Error('The person did not allow it'));
  await view.getByRole('checkbox', { name: 'one' }).click();
  await alert.waitFor();
  expect(await alert.innerText()).toContain('“one” was not marked as done. The person did not allow it');
  expect(await view.getByRole('checkbox', { name: 'one' }).isChecked()).toBe(false);

  await client.close();
  await vi.waitFor(
    async () => {
      // the error message has just made the page longer, and a click may miss a button that moved
      await view.getByRole('button', { name: 'Show more' }).click();
      expect(await alert.innerText()).toMatch(/^The list was not loaded\. .*Not connected/);
    },
    { timeout: 10_000, interval: 200 },
  );
  expect(await view.locator('.title').allInnerTexts()).toEqual(['one']);
  expectNoProblems(host);
});

test('in read-only mode, or without tool calls of the host, the View has no control that changes a todo', async () => {
  const credentials = await system.registerClient();
  await using writer = await connectOverHttp(system, credentials);
  await using reader = await connectOverHttp(system, credentials, { query: '?mode=read' });
  const { id } = await create(writer, { title: 'one' });
  await create(writer, { title: 'two' });
  await writer.callTool({ name: 'complete_todo', arguments: { id } });
  await using host = await openMcpAppsHost({ browser, client: reader, args: { limit: 1, sort: 'created_at' } });
  const { view } = host;
  expect(await view.getByRole('checkbox').count()).toBe(0);
  await view.getByRole('button', { name: 'Show more' }).click();
  await view.getByText('2 todos', { exact: true }).waitFor();
  expect(await view.getByRole('listitem').allInnerTexts()).toEqual(['one\n\nDone', 'two\n\nOpen']);
  await expectAccessible(host);
  expectNoProblems(host);

  // a host that does not let the View call tools
  await using silent = await openMcpAppsHost({ browser, client: writer, args: { limit: 1 }, capabilities: {} });
  expect(await silent.view.getByRole('status').first().innerText()).toBe('1 of 2 todos');
  expect(await silent.view.locator('input, button:visible').count()).toBe(0);
  expectNoProblems(silent);
});

test('without the scope todos:write the View shows no checkbox', async () => {
  await using client = await connect({ scopes: ['todos:read'] });
  const page = { todos: [{ id: 'a', title: 'one', completed: false, version: 1 }], total: 1 };
  const { _meta } = await client.callTool({ name: 'list_todos' });
  await using host = await openMcpAppsHost({
    browser,
    client,
    result: { content: [], structuredContent: page, ...(_meta && { _meta }) },
  });
  expect(await host.view.getByRole('listitem').innerText()).toBe('one\n\nOpen');
  expect(await host.view.getByRole('checkbox').count()).toBe(0);
  expectNoProblems(host);
});

test('the View shows a message for an empty list, a failed call and a cancelled call', async () => {
  await using client = await connect();
  await using empty = await openMcpAppsHost({ browser, client });
  expect(await empty.view.getByRole('status').first().innerText()).toBe('No todos match.');
  expect(await empty.view.getByRole('list').count()).toBe(0);
  await expectAccessible(empty);
  await empty.bridge.sendToolCancelled({ reason: 'the person stopped it' });
  await empty.view.getByText('The call was cancelled, so there is no list.').waitFor();
  expect(await empty.bridge.teardownResource({})).toEqual({});
  expectNoProblems(empty);

  const content = [{ type: 'text' as const, text: 'The todo API cannot be reached.' }];
  // the page decides by the code; the text, which is for a model, is shown only without a code that the page knows
  const _meta = { 'yata/error': { code: 'rate_limited', retryable: true } };
  await using limited = await openMcpAppsHost({ browser, client, result: { isError: true, content, _meta } });
  expect(await limited.view.getByRole('alert').innerText()).toMatch(
    /^There were too many requests\. Try again in a minute\.\s+Load the list again$/,
  );
  await using failed = await openMcpAppsHost({ browser, client, result: { isError: true, content } });
  expect(await failed.view.getByRole('alert').innerText()).toContain('The todo API cannot be reached.');
  await failed.view.getByRole('button', { name: 'Load the list again' }).click();
  await failed.view.getByText('No todos match.').waitFor();
  expect(await failed.view.getByRole('alert').count()).toBe(0);
  expectNoProblems(failed);
});

const STYLES = {
  variables: {
    '--color-background-primary': 'light-dark(#faf9f5, #262624)',
    '--color-text-primary': 'light-dark(#141413, #faf9f5)',
    '--font-sans': 'serif',
  },
};

test.for([
  ["the host's light theme", { theme: 'light' }, 'dark', 'rgb(255, 255, 255)'],
  ["the host's dark theme", { theme: 'dark' }, 'light', 'rgb(26, 26, 26)'],
  ['a user who prefers light', {}, 'light', 'rgb(255, 255, 255)'],
  ['a user who prefers dark', {}, 'dark', 'rgb(26, 26, 26)'],
  ["the host's own light colours", { theme: 'light', styles: STYLES }, 'light', 'rgb(250, 249, 245)'],
  ["the host's own dark colours", { theme: 'dark', styles: STYLES }, 'light', 'rgb(38, 38, 36)'],
  [
    'a host that gives a background without a text colour',
    { theme: 'dark', styles: { variables: { '--color-background-primary': '#fff' } } },
    'light',
    'rgb(26, 26, 26)',
  ],
] as const)('axe finds no accessibility problem with %s', async ([_what, hostContext, colorScheme, background]) => {
  await using client = await connect();
  const { id } = await create(client, { title: 'Done already', tags: ['home'] });
  await create(client, { title: 'Pay rent', due_at: '2020-02-01T09:00:00Z', description: 'By standing order' });
  await create(client, { title: 'On the next page' });
  await client.callTool({ name: 'complete_todo', arguments: { id } });
  const args = { limit: 2, response_format: 'detailed', sort: 'created_at' };
  await using host = await openMcpAppsHost({ browser, client, args, hostContext, colorScheme });
  expect(await backgroundOf(host)).toBe(background);
  await expectAccessible(host);
  expectNoProblems(host);
});

test('the View follows the theme of the host, and the host follows the height of the View', async () => {
  await using client = await connect();
  await create(client, { title: 'one' });
  await using host = await openMcpAppsHost({ browser, client, hostContext: { theme: 'light' } });
  await host.bridge.sendHostContextChange({ theme: 'dark' });
  await vi.waitFor(async () => expect(await backgroundOf(host)).toBe('rgb(26, 26, 26)'), 10_000);
  const heights = async () => [
    (await host.page.locator('iframe').boundingBox())?.height,
    Math.ceil(Number(await host.view.evaluate('document.documentElement.getBoundingClientRect().height'))),
  ];
  await vi.waitFor(async () => {
    const [frame, page] = await heights();
    expect(frame).toBe(page);
  }, 10_000);
  expectNoProblems(host);
});

test('the View follows the time zone and the language of the host', async () => {
  await using client = await connect();
  await create(client, { title: 'Pay rent', due_at: '2090-02-01T20:00:00Z' });
  await using host = await openMcpAppsHost({
    browser,
    client,
    hostContext: { locale: 'en-GB', timeZone: 'Europe/Berlin' },
  });
  const due = () => host.view.locator('.details').innerText();
  expect(await due()).toBe('Due 1 Feb 2090, 21:00');
  await host.bridge.sendHostContextChange({ timeZone: 'Asia/Tokyo' });
  await vi.waitFor(async () => expect(await due()).toBe('Due 2 Feb 2090, 05:00'), 10_000);
  await host.bridge.sendHostContextChange({ locale: 'en-US' });
  await vi.waitFor(async () => expect(await due()).toMatch(/^Due Feb 2, 2090, 5:00.AM$/), 10_000);
  expectNoProblems(host);
});

test('the View works with a policy of hashes and Trusted Types', async () => {
  await using client = await connect();
  await create(client, { title: '<b>one</b>' });
  const html = await readResourceText(client, 'ui://yata/todo-list');
  const hashOf = (element: RegExp) => `'sha256-${hash('sha256', element.exec(html)?.[1] ?? '', 'base64')}'`;
  const policy = SPECIFIED_POLICY.replace(/script-src [^;]+/, `script-src ${hashOf(/<script[^>]*>(.*)<\/script>/s)}`)
    .replace(/style-src [^;]+/, `style-src ${hashOf(/<style>(.*)<\/style>/s)}`)
    .concat("; require-trusted-types-for 'script'; trusted-types 'none'; form-action 'none'");
  await using host = await openMcpAppsHost({ browser, client, policy, hostContext: { theme: 'dark', styles: STYLES } });
  await host.view.getByRole('checkbox', { name: '<b>one</b>' }).click();
  await vi.waitFor(async () => expect(await host.view.locator('#change').innerText()).toBe('Done: <b>one</b>'), 10_000);
  expectNoProblems(host);
});
