import { expect, test } from 'vitest';
import { identifierSchema } from '../../shared/configuration/variables.ts';
import { createTodoApiDiscovery } from './discovery.ts';

function createDiscovery({
  apiBaseUrl,
  tokenUrl,
  documents,
}: {
  apiBaseUrl: string;
  tokenUrl?: string;
  documents: Record<string, object>;
}) {
  return createTodoApiDiscovery({
    apiBaseUrl,
    tokenUrl,
    identifier: identifierSchema({}),
    fetch: async (input) => {
      const document = documents[String(input)];
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document);
    },
  });
}

const documents = {
  'https://api.example/.well-known/oauth-protected-resource/api/v1': {
    resource: 'https://api.example/api/v1',
    authorization_servers: ['https://auth.example'],
  },
  'https://api.example/.well-known/oauth-protected-resource': {
    resource: 'https://api.example/api/v1',
    authorization_servers: ['https://auth.example'],
  },
  'https://auth.example/.well-known/oauth-authorization-server': {
    issuer: 'https://auth.example',
    token_endpoint: 'https://auth.example/oauth/token',
  },
};

test.each(['https://api.example/api/v1', 'https://api.example'])(
  'the address %s leads to the API and its authorization server',
  async (apiBaseUrl) => {
    const discovery = createDiscovery({ apiBaseUrl, documents });
    expect(await discovery.resource()).toBe('https://api.example/api/v1');
    expect(await discovery.baseUrl()).toBe('https://api.example/api/v1');
    expect(await discovery.authorizationServer()).toMatchObject({ token_endpoint: 'https://auth.example/oauth/token' });
  },
);

test('a configured token endpoint is used, whatever the metadata contains', async () => {
  const discovery = createDiscovery({
    apiBaseUrl: 'https://api.internal/api/v1',
    tokenUrl: 'https://auth.internal/oauth/token',
    documents: {
      'https://api.internal/.well-known/oauth-protected-resource/api/v1':
        documents['https://api.example/.well-known/oauth-protected-resource/api/v1'],
    },
  });
  expect(await discovery.authorizationServer()).toMatchObject({ token_endpoint: 'https://auth.internal/oauth/token' });
  expect(await discovery.resource()).toBe('https://api.example/api/v1');
  expect(await discovery.baseUrl()).toBe('https://api.internal/api/v1');
});

test.each([
  [
    'of a resource at another origin',
    { resource: 'https://other.example/api/v1', authorization_servers: ['https://auth.example'] },
  ],
  [
    'with an authorization server on plain http',
    { resource: 'https://api.example/api/v1', authorization_servers: ['http://evil.example'] },
  ],
  ['without an authorization server', { resource: 'https://api.example/api/v1', authorization_servers: [] }],
  ['of another kind', { hello: 'world' }],
])('metadata %s is rejected, so that it cannot choose where the client secret is sent', async (_name, metadata) => {
  const discovery = createDiscovery({
    apiBaseUrl: 'https://api.example/api/v1',
    documents: { ...documents, 'https://api.example/.well-known/oauth-protected-resource/api/v1': metadata },
  });
  await expect(discovery.authorizationServer()).rejects.toMatchObject({ name: 'TodoApiError', status: 502 });
});

test('a server without metadata is not accepted as a todo API', async () => {
  await expect(
    createDiscovery({ apiBaseUrl: 'https://nothing.example', documents: {} }).resource(),
  ).rejects.toMatchObject({
    status: 502,
  });
});

test('a redirect of the metadata is not followed', async () => {
  const discovery = createTodoApiDiscovery({
    apiBaseUrl: 'https://api.example/api/v1',
    tokenUrl: undefined,
    identifier: identifierSchema({}),
    fetch: async (_input, init) => {
      expect(init?.redirect).toBe('manual');
      return Response.json(documents['https://api.example/.well-known/oauth-protected-resource'], {
        status: 302,
        headers: { location: 'https://evil.example' },
      });
    },
  });
  await expect(discovery.resource()).rejects.toMatchObject({ name: 'TodoApiError', status: 502 });
});
