import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { findMetadataProblems, type Metadata } from '../support/find-metadata-problems.ts';

const running = new AsyncDisposableStack();
let origin: string;
beforeAll(async () => {
  const port = await getFreePort();
  const directory = running.use(makeTemporaryDirectory());
  const database = running.use(await openTestDatabase());
  // the rules demand https, which a proxy in front of auth adds: the identifiers are those of a public installation
  const config = readAuthConfig({
    AUTH_PORT: String(port),
    AUTH_ISSUER: 'https://auth.example',
    API_RESOURCE: 'https://api.example/api/v1',
    MCP_RESOURCE: 'https://mcp.example/mcp',
    YATA_DATA_DIR: join(directory.path, 'data'),
    LOG_LEVEL: 'silent',
  });
  running.use(await startAuth(config, database));
  origin = `http://127.0.0.1:${port}`;
});
afterAll(() => running.disposeAsync());

const fetchMetadata = async (path = '/.well-known/oauth-authorization-server'): Promise<Metadata> =>
  z.record(z.string(), z.unknown()).parse(await (await fetch(origin + path)).json());

test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])(
  'the metadata at %s satisfies a strict client',
  async (path) => {
    expect(findMetadataProblems(await fetchMetadata(path))).toEqual([]);
  },
);

test.each<[problem: string, change: Metadata]>([
  ['issuer is required', { issuer: undefined }],
  ['issuer must use the scheme https', { issuer: 'http://auth.example' }],
  ['issuer must have no query and no fragment', { issuer: 'https://auth.example?tenant=1' }],
  ['issuer must have no query and no fragment', { issuer: 'https://auth.example#tenant' }],
  [
    'authorization_endpoint is required',
    { authorization_endpoint: undefined, grant_types_supported: ['authorization_code'] },
  ],
  ['authorization_endpoint is required', { authorization_endpoint: undefined, grant_types_supported: undefined }],
  ['token_endpoint is required', { token_endpoint: undefined }],
  ...[
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'registration_endpoint',
    'revocation_endpoint',
    'introspection_endpoint',
  ].map((member): [string, Metadata] => [
    `${member} must use the scheme https`,
    { [member]: 'http://auth.example/endpoint' },
  ]),
  ...[
    'scopes_supported',
    'response_types_supported',
    'response_modes_supported',
    'grant_types_supported',
    'ui_locales_supported',
    'code_challenge_methods_supported',
    ...['token', 'revocation', 'introspection'].flatMap((endpoint) => [
      `${endpoint}_endpoint_auth_methods_supported`,
      `${endpoint}_endpoint_auth_signing_alg_values_supported`,
    ]),
  ].map((member): [string, Metadata] => [`${member} must be a JSON array`, { [member]: 'one two' }]),
  ...['token', 'revocation', 'introspection']
    .map((endpoint) => `${endpoint}_endpoint_auth_signing_alg_values_supported`)
    .flatMap((member): [string, Metadata][] => [
      [`${member} is required`, { [member]: undefined }],
      [`${member} is required`, { [member]: [] }],
      [`${member} must not have none`, { [member]: ['ES256', 'none'] }],
    ]),
  ...['service_documentation', 'op_policy_uri', 'op_tos_uri'].map((member): [string, Metadata] => [
    `${member} must be a URL`,
    { [member]: 'the manual' },
  ]),
  ['ui_locales_supported must have language tags only', { ui_locales_supported: ['en', 'not a tag'] }],
])('the rules find that %s in %j', async (problem, change) => {
  const valid = { ...(await fetchMetadata()), response_types_supported: ['code'] };
  expect(findMetadataProblems(valid)).toEqual([]);
  expect(findMetadataProblems({ ...valid, ...change })).toEqual([problem]);
});

test('the token endpoint is not required of a server with the implicit grant alone', async () => {
  const metadata = {
    ...(await fetchMetadata()),
    response_types_supported: ['token'],
    grant_types_supported: ['implicit'],
    token_endpoint: undefined,
  };
  expect(findMetadataProblems(metadata)).toEqual([]);
});
