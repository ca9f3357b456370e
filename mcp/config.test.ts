import { expect, test } from 'vitest';
import { readStdioConfig } from './config.ts';

const credentials = { OAUTH_CLIENT_ID: 'demo', OAUTH_CLIENT_SECRET: 'secret' };

test.each([
  [{}, 'http://localhost:3001/api/v1'],
  [{ API_PORT: '4001' }, 'http://localhost:4001/api/v1'],
  [{ API_RESOURCE: 'https://api.example.com/v2/' }, 'https://api.example.com/v2'],
  [{ API_RESOURCE: 'https://api.example.com/v2', API_BASE_URL: 'http://api:3001' }, 'http://api:3001'],
])('over stdio with %o the API is at %s', (variables, url) => {
  expect(readStdioConfig({ ...credentials, ...variables }).API_BASE_URL).toBe(url);
});
