import { expect, test } from 'vitest';
import { readApiConfig } from '../api/config.ts';
import { readAuthConfig } from '../auth/config.ts';
import { readMcpConfig, readStdioConfig } from '../mcp/config.ts';
import { InvalidConfigurationError } from '../shared/configuration/environment.ts';
import { readStartConfig } from './start-config.ts';

test('the three services reach each other on the address where they listen', () => {
  const variables = { AUTH_PORT: '4000', API_PORT: '4001', API_RESOURCE: 'https://api.example.com/v2' };
  for (const [HOST, host] of [
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
    ['127.0.0.2', '127.0.0.2'],
  ] as const) {
    const { api, mcp } = readStartConfig({ ...variables, HOST });
    expect(api.AUTH_URL).toBe(`http://${host}:4000`);
    expect(mcp).toMatchObject({ AUTH_URL: `http://${host}:4000`, API_BASE_URL: `http://${host}:4001/v2` });
  }
  expect(readStartConfig({ AUTH_URL: 'http://auth:3000' })).toMatchObject({
    api: { AUTH_URL: 'http://auth:3000' },
    mcp: { AUTH_URL: 'http://auth:3000' },
  });
});

test('api and mcp are the clients api and mcp, whatever the environment says about their client and the todo API', () => {
  const { api, mcp } = readStartConfig({
    OAUTH_CLIENT_ID: 'another',
    OAUTH_CLIENT_SECRET_FILE: '/no/such/file',
    OAUTH_TOKEN_URL: 'no URL',
    API_BASE_URL: 'no URL',
  });
  expect(mcp).toMatchObject({ OAUTH_CLIENT_ID: 'mcp', API_BASE_URL: 'http://127.0.0.1:3001/api/v1' });
  expect(mcp.OAUTH_TOKEN_URL).toBeUndefined();
  expect(api).toMatchObject({ OAUTH_CLIENT_ID: 'api' });
  expect(api).not.toHaveProperty('OAUTH_CLIENT_SECRET');
  expect(mcp).not.toHaveProperty('OAUTH_CLIENT_SECRET');
});

test('only warnings are logged unless the environment says otherwise', () => {
  for (const [environment, LOG_LEVEL] of [
    [{}, 'warn'],
    [{ LOG_LEVEL: 'info' }, 'info'],
  ] as const)
    expect(readStartConfig(environment)).toMatchObject({ auth: { LOG_LEVEL }, api: { LOG_LEVEL }, mcp: { LOG_LEVEL } });
});

test('everything that is wrong for any of the three is reported at once', () => {
  const wrong = { AUTH_SIGNING_ALG: 'none', API_RATE_LIMIT: '0', MCP_READ_ONLY: 'yes' };
  const read = () => readStartConfig(wrong);
  expect(read).toThrow(InvalidConfigurationError);
  for (const name of Object.keys(wrong)) expect(read).toThrow(new RegExp(`^ {2}${name}: expected `, 'm'));
});

test('the ports that Kubernetes sets for Services count as absent', () => {
  const variables = {
    AUTH_PORT: 'tcp://10.96.12.7:3000',
    API_PORT: 'tcp://10.96.12.8:3001',
    MCP_PORT: 'tcp://10.96.12.9:3002',
  };
  expect(readStartConfig(variables)).toEqual(readStartConfig({}));
  // mcp alone, which has a client
  const credentials = { OAUTH_CLIENT_ID: 'mcp', OAUTH_CLIENT_SECRET: 'secret' };
  expect(readMcpConfig({ ...variables, ...credentials })).toEqual(readMcpConfig(credentials));
  expect(readStdioConfig({ ...variables, ...credentials })).toEqual(readStdioConfig(credentials));
  expect(readApiConfig(variables)).toEqual(readApiConfig({}));
  expect(readAuthConfig(variables)).toEqual(readAuthConfig({}));
});
