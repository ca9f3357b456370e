import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectMcpClient, connectOverStdio } from '../support/mcp-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

// The extension io.modelcontextprotocol/oauth-client-credentials (MCP ext-auth, SEP-1046), with the client of the SDK.

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());
afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ['a secret', () => withSecret()],
  ['a secret and the issuer', () => withSecret({ expectedIssuer: system.issuer })],
  ['an ES256 key as PEM', () => withKey('ES256', 'PEM')],
  ['an ES256 key as PEM and the issuer', () => withKey('ES256', 'PEM', { expectedIssuer: system.issuer })],
  ['an EdDSA key as JWK', () => withKey('EdDSA', 'JWK')],
  ['an RS256 key as JWK', () => withKey('RS256', 'JWK')],
])("the SDK's client connects with its id, %s and the URL", async (_what, createProvider) => {
  // without the issuer the SDK writes a warning
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  for (const url of [system.mcpResource, `${system.mcpResource}/`]) {
    const authProvider = await createProvider();
    await using client = await connectMcpClient(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
    expect(client.getServerCapabilities()?.extensions).toMatchObject({
      'io.modelcontextprotocol/oauth-client-credentials': {},
    });
    const created = await client.callTool({ name: 'create_todo', arguments: { title: 'by a machine' } });
    expect(created).toMatchObject({ structuredContent: { title: 'by a machine' } });
  }
});

test('a client with the scope todos:read requests no scope, reads todos, and gets a 403 when it writes', async () => {
  const { id, secret } = await system.registerClient({ scopes: ['todos:read'] });
  const authProvider = new ClientCredentialsProvider({
    clientId: id,
    clientSecret: secret,
    expectedIssuer: system.issuer,
  });
  const transport = new StreamableHTTPClientTransport(new URL(system.mcpResource), { authProvider });
  await using client = await connectMcpClient(transport);
  expect(await client.callTool({ name: 'list_todos' })).toMatchObject({ structuredContent: { todos: [] } });
  await expect(client.callTool({ name: 'create_todo', arguments: { title: 'no' } })).rejects.toMatchObject({
    code: 403,
  });
});

test('a client that signs with an unregistered key is rejected', async () => {
  const registered = await withKey('ES256', 'JWK', { expectedIssuer: system.issuer });
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const authProvider = new PrivateKeyJwtProvider({
    clientId: registered.clientInformation().client_id,
    privateKey: await exportPKCS8(privateKey),
    algorithm: 'ES256',
    expectedIssuer: system.issuer,
  });
  const transport = new StreamableHTTPClientTransport(new URL(system.mcpResource), { authProvider });
  await expect(connectMcpClient(transport)).rejects.toThrow('a signature by a key of this client');
});

test('the authorization server metadata lists the client authentication methods and algorithms', async () => {
  const response = await fetch(`${system.issuer}/.well-known/oauth-authorization-server`);
  expect(await response.json()).toMatchObject({
    grant_types_supported: expect.arrayContaining(['client_credentials']),
    token_endpoint_auth_methods_supported: expect.arrayContaining(['client_secret_basic', 'private_key_jwt']),
    token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA', 'RS256']),
  });
});

// implementations over stdio SHOULD NOT follow this specification
test('over stdio the extension is not announced', async () => {
  await using client = await connectOverStdio(system, await system.registerClient());
  expect(client.getServerCapabilities()).toHaveProperty('tools');
  expect(Object.keys(client.getServerCapabilities()?.extensions ?? {})).not.toContain(
    'io.modelcontextprotocol/oauth-client-credentials',
  );
});

async function withSecret(options: { expectedIssuer?: string } = {}) {
  const { id, secret } = await system.registerClient();
  return new ClientCredentialsProvider({ clientId: id, clientSecret: secret, ...options });
}

async function withKey(algorithm: string, format: 'JWK' | 'PEM', options: { expectedIssuer?: string } = {}) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, use: 'sig' }] },
  });
  const key = format === 'PEM' ? await exportPKCS8(privateKey) : { ...(await exportJWK(privateKey)) };
  return new PrivateKeyJwtProvider({ clientId: id, privateKey: key, algorithm, ...options });
}
