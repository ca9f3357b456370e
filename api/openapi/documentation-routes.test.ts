import { expect, test } from 'vitest';
import { findChromium, launchChromium, NO_CHROMIUM } from '../../shared/testing/chromium.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { startApi } from '../testing/start-api.ts';

const FILES = ['/docs', '/docs/open-documentation.js', '/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css'];

test('the OpenAPI document is public and has an ETag', async () => {
  await using api = await startApi();
  const response = await api.fetch('/openapi.json');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({
    openapi: '3.1.1',
    servers: [{ url: 'http://api.example/api/v1' }],
    components: {
      securitySchemes: {
        clientCredentials: { flows: { clientCredentials: { tokenUrl: `${api.issuer.identifier}/oauth/token` } } },
        accessToken: { type: 'http', scheme: 'bearer' },
      },
    },
  });
  const etag = `${response.headers.get('etag')}`;
  expect((await api.fetch('/openapi.json', { headers: { 'if-none-match': etag } })).status).toBe(304);
  expect((await api.fetch('/openapi.json', { method: 'POST' })).status).toBe(405);
});

test('only the files of the page are served, each with a strict content security policy', async () => {
  await using api = await startApi();
  for (const path of FILES) {
    const { status, headers } = await api.fetch(path);
    expect({ status, nosniff: headers.get('x-content-type-options') }).toEqual({ status: 200, nosniff: 'nosniff' });
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
        "connect-src 'self' http://api.example; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const known = { 'if-none-match': `${headers.get('etag')}` };
    expect((await api.fetch(path, { headers: known })).status).toBe(304);
  }
  for (const path of [
    '/docs/package.json',
    '/docs/index.js',
    '/docs/swagger-ui-bundle.js.map',
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e/%2e%2e/package.json',
    '/docs/swagger-ui.css/../../package.json',
    '/docs/constructor',
  ])
    expect((await api.fetch(path)).status, path).toBe(404);
});

test('the page shows the operations and runs them with an access token, without requests to other origins', async ({
  skip,
}) => {
  const browserPath = findChromium();
  if (browserPath === undefined) skipOutsideCi(skip, NO_CHROMIUM);
  const port = await getFreePort();
  const origin = `http://127.0.0.1:${port}`;
  await using api = await startApi({ identifier: `${origin}/api/v1`, port });
  const call = await api.createCaller({ sub: 'alice' });
  await call('POST', '/api/v1/todos', { title: 'Show me on the page' });
  await using browser = await launchChromium(browserPath);
  const page = await browser.newPage();
  const consoleMessages: string[] = [];
  const requested = new Set<string>();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) consoleMessages.push(message.text());
  });
  page.on('pageerror', (error) => consoleMessages.push(error.message));
  page.on('request', (request) => requested.add(request.url()));

  await page.goto(`${origin}/docs`);
  await page.locator('.opblock').first().waitFor();
  expect(await page.locator('.opblock-summary-path').allTextContents()).toHaveLength(11);

  await page.getByRole('button', { name: 'Authorize' }).click();
  const dialog = page.locator('.dialog-ux');
  expect(await dialog.innerText()).toContain(`curl -s ${api.issuer.identifier}/oauth/token`);
  // the page does not ask for the secret of a client
  expect(await dialog.locator('input').count()).toBe(1);
  await dialog.locator('input').fill(await api.issuer.issue({ claims: { sub: 'alice' } }));
  await dialog.getByRole('button', { name: 'Apply credentials' }).click();
  await dialog.getByRole('button', { name: 'Close' }).click();

  const listTodos = page.locator('#operations-Todos-listTodos');
  await listTodos.locator('.opblock-summary-control').click();
  await listTodos.getByRole('button', { name: 'Execute' }).click();
  const answer = listTodos.locator('.live-responses-table');
  await answer.waitFor();
  await expect.poll(() => answer.innerText()).toContain('Show me on the page');
  expect(await answer.innerText()).toContain('ratelimit-policy');

  expect(consoleMessages).toEqual([]);
  expect([...requested].filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:'))).toEqual([]);
  expect([...requested]).toEqual(expect.arrayContaining([...FILES, '/openapi.json'].map((path) => origin + path)));
});
