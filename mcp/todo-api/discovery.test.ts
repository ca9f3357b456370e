import { expect, test } from 'vitest';
import { identifierSchema } from '../../shared/configuration/variables.ts';
import { createTodoApiDiscovery } from './discovery.ts';

function open({
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
  'from %s everything else is found',
  async (apiBaseUrl) => {
    const discovery = open({ apiBaseUrl, documents });
    expect(await discovery.resource()).toBe('https://api.example/api/v1');
    expect(await discovery.baseUrl()).toBe('https://api.example/api/v1');
    expect(await discovery.authorizationServer()).toMatchObject({ token_endpoint: 'https://auth.example/oauth/token' });
  },
);

test('a token endpoint that is given is asked, whatever the metadata says', async () => {
  const discovery = open({
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
    'of a resource elsewhere',
    { resource: 'https://other.example/api/v1', authorization_servers: ['https://auth.example'] },
  ],
  [
    'with an authorization server on plain http',
    { resource: 'https://api.example/api/v1', authorization_servers: ['http://evil.example'] },
  ],
  ['without an authorization server', { resource: 'https://api.example/api/v1', authorization_servers: [] }],
  ['that are none', { hello: 'world' }],
])('metadata %s are not followed: the secret would go where they say', async (_name, metadata) => {
  const discovery = open({
    apiBaseUrl: 'https://api.example/api/v1',
    documents: { ...documents, 'https://api.example/.well-known/oauth-protected-resource/api/v1': metadata },
  });
  await expect(discovery.authorizationServer()).rejects.toMatchObject({ name: 'TodoApiError', status: 502 });
});

test('an API without metadata is said to be no API', async () => {
  await expect(open({ apiBaseUrl: 'https://nothing.example', documents: {} }).resource()).rejects.toMatchObject({
    status: 502,
  });
});
