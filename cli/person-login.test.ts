import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { deleteLogin, findLogin, type Login, storeLogin } from './login-file.ts';
import { findPersonToken } from './person-login.ts';

/** Starts an authorization server that refreshes every token, and calls `meanwhile` before it responds. */
async function startRefreshing(meanwhile: () => void) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url !== '/token') return response.end(JSON.stringify({ issuer, token_endpoint: `${issuer}/token` }));
    meanwhile();
    const tokens = { access_token: 'the-access-token', token_type: 'Bearer', expires_in: 60, scope: 'todos:read' };
    return response.end(JSON.stringify({ ...tokens, refresh_token: 'the-next-refresh-token' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each([
  ['nothing happens', () => {}, 'the-next-refresh-token'],
  ['a new login', storeLogin, 'of-another-login'],
  ['logout', deleteLogin, undefined],
])('the login is that of the last command when this happens during a refresh: %s', async (_, change, expected) => {
  using temporary = makeTemporaryDirectory();
  const directory = join(temporary.path, 'data');
  mkdirSync(directory, { mode: 0o700 });
  const login = (refresh_token: string): Login => ({ issuer: server.issuer, resource, refresh_token });
  await using server = await startRefreshing(() => change(directory, login('of-another-login')));
  const resource = `${server.issuer}/api`;
  storeLogin(directory, login('the-refresh-token'));
  const environment = { AUTH_ISSUER: server.issuer, API_RESOURCE: resource, YATA_DATA_DIR: directory };
  expect(await findPersonToken(environment, {})).toMatchObject({ access_token: 'the-access-token' });
  expect(findLogin(directory)?.refresh_token).toBe(expected);
});
