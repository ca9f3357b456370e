import { expect, test } from 'vitest';
import { readMcpConfig } from './config.ts';
import { selectReaderCredentials } from './reader-credentials.ts';

const credentials = { OAUTH_CLIENT_ID: 'mcp', OAUTH_CLIENT_SECRET: 'secret' };

test.each([
  ['no OAUTH_TOKEN_URL', {}, true],
  ['one of the issuer', { OAUTH_TOKEN_URL: 'http://localhost:3000/oauth/token' }, true],
  ['one at AUTH_URL', { OAUTH_TOKEN_URL: 'http://auth:3000/oauth/token', AUTH_URL: 'http://auth:3000' }, true],
  ['one of another origin', { OAUTH_TOKEN_URL: 'https://proxy.example/token' }, false],
])('with %s (%o), mcp sends its secret to the status lists of the issuer: %s', (_what, variables, expected) => {
  expect(selectReaderCredentials(readMcpConfig({ ...credentials, ...variables }))).toEqual(
    expected ? { clientId: 'mcp', clientSecret: 'secret' } : undefined,
  );
});
