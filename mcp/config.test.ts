import { expect, test } from 'vitest';
import { readMcpConfig, readStdioConfig } from './config.ts';

const credentials = { OAUTH_CLIENT_ID: 'demo', OAUTH_CLIENT_SECRET: 'secret' };

test.each([
  [{}, 'http://localhost:3001/api/v1'],
  [{ API_PORT: '4001' }, 'http://localhost:4001/api/v1'],
  [{ API_RESOURCE: 'https://api.example.com/v2/' }, 'https://api.example.com/v2'],
  [{ API_RESOURCE: 'https://api.example.com/v2', API_BASE_URL: 'http://api:3001' }, 'http://api:3001'],
])('over stdio %o leads to the API at %s', (variables, url) => {
  expect(readStdioConfig({ ...credentials, ...variables }).API_BASE_URL).toBe(url);
});

test.each([
  [{}, false],
  [{ MCP_READ_ONLY: 'false' }, false],
  [{ MCP_READ_ONLY: 'true' }, true],
])('%o sets the read-only mode to %s', (variables, readOnly) => {
  expect(readStdioConfig({ ...credentials, ...variables }).MCP_READ_ONLY).toBe(readOnly);
  expect(readMcpConfig({ ...credentials, ...variables }).MCP_READ_ONLY).toBe(readOnly);
});

test.each(['1', 'yes', 'TRUE'])(
  'the read-only mode %s is rejected, because it must not be taken for false',
  (MCP_READ_ONLY) => {
    for (const read of [readStdioConfig, readMcpConfig])
      expect(() => read({ ...credentials, MCP_READ_ONLY })).toThrow(/MCP_READ_ONLY: expected true or false/);
  },
);
