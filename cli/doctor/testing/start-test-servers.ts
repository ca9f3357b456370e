import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { serve } from '../../../shared/http/serve.ts';
import { getFreePort } from '../../../shared/testing/free-port.ts';

/** How a response differs from the correct one. `document` is merged into the correct document, `body` replaces it. */
type Reply = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly document?: Readonly<Record<string, unknown>>;
  readonly body?: string;
};

/** How the servers of a test differ from correct servers. */
export type Deviation = {
  readonly replies?: Readonly<Record<string, Reply>>;
  readonly claims?: JWTPayload;
  readonly header?: Partial<JWTHeaderParameters>;
  /** Signs with a key that is not published, under the kid of the published one. */
  readonly foreignKey?: boolean;
  /** Sends no Date header. */
  readonly noDate?: boolean;
  /** Seconds by which the clocks are ahead. */
  readonly clocks?: { readonly resourceServer?: number; readonly authorizationServer?: number; readonly iat?: number };
};

/** A resource server and an authorization server that are correct except for the deviation. */
export type TestServers = AsyncDisposable & {
  readonly url: string;
  readonly issuer: string;
  readonly environment: Record<string, string>;
  /** The client secret, every issued access token, and the three parts of each. */
  readonly secrets: () => string[];
  /** Every request in order, as `METHOD /path`. */
  readonly requests: readonly string[];
};

/**
 * Starts both servers. A deviation is what a test server answers instead of the correct reply. Its keys say to which request:
 * `METHOD /path`, the method of an MCP request, or `challenge` for a request without an access token.
 */
export async function startTestServers(
  deviate: (at: { url: string; issuer: string }) => Deviation = () => ({}),
  path = '/mcp',
): Promise<TestServers> {
  const issuer = `http://127.0.0.1:${await getFreePort()}`;
  const origin = `http://127.0.0.1:${await getFreePort()}`;
  const url = `${origin}${path}`;
  const { replies = {}, claims, header, foreignKey, noDate, clocks = {} } = deviate({ url, issuer });
  const [key, foreign] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  const jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  const environment = { OAUTH_CLIENT_ID: 'program', OAUTH_CLIENT_SECRET: randomUUID() };
  const issued: string[] = [];
  const requests: string[] = [];

  const metadata = { document: { resource: url, authorization_servers: [issuer] }, headers: CORS };
  const serverMetadata = {
    headers: CORS,
    document: {
      issuer,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      grant_types_supported: ['client_credentials', 'authorization_code'],
      authorization_endpoint: `${issuer}/authorize`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      registration_endpoint: `${issuer}/register`,
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      scopes_supported: ['todos:read', 'todos:write'],
    },
  };
  const correct: Record<string, Reply> = {
    'GET /authorize': { status: 400 },
    'POST /register': { status: 400 },
    challenge: {
      status: 401,
      headers: {
        'www-authenticate': `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource${path}", scope="todos:read"`,
      },
    },
    [`GET /.well-known/oauth-protected-resource${path}`]: metadata,
    'GET /.well-known/oauth-protected-resource': metadata,
    [`GET ${path}`]: { status: 405 },
    [`GET ${path}/todos`]: { document: { todos: [] } },
    'GET /.well-known/oauth-authorization-server': serverMetadata,
    'GET /jwks': { document: jwks },
  };

  const resourceServer = await listen(origin, clocks.resourceServer, (name, request, body) => {
    const guarded = name.slice(name.indexOf(' ') + 1).startsWith(path);
    if (guarded && request.headers.authorization === undefined)
      // an API answers POST at its own URL with 404
      return name.startsWith('POST') && path !== '/mcp' ? { status: 404 } : (replies.challenge ?? correct.challenge);
    const message = name === `POST ${path}` ? JSON.parse(body) : undefined;
    return message === undefined ? merge(name) : (replies[message.method] ?? answerMcp(message));
  });
  const authorizationServer = await listen(issuer, clocks.authorizationServer, async (name) => {
    if (name !== 'POST /token') return merge(name);
    const access_token = await sign();
    issued.push(access_token);
    return replies[name] ?? { document: { access_token, token_type: 'Bearer', expires_in: 600 } };
  });

  return {
    url,
    issuer,
    environment,
    requests,
    secrets: () => [environment.OAUTH_CLIENT_SECRET, ...issued.flatMap((token) => [token, ...token.split('.')])],
    async [Symbol.asyncDispose]() {
      await Promise.all([resourceServer[Symbol.asyncDispose](), authorizationServer[Symbol.asyncDispose]()]);
    },
  };

  function merge(name: string): Reply {
    const [expected = { status: 404 }, reply] = [correct[name], replies[name]];
    return {
      ...expected,
      ...reply,
      headers: { ...expected.headers, ...reply?.headers },
      document: { ...expected.document, ...reply?.document },
    };
  }

  async function sign(): Promise<string> {
    const iat = Math.floor(Date.now() / 1000) + (clocks.iat ?? clocks.authorizationServer ?? 0);
    return new SignJWT({ iss: issuer, sub: 'program', aud: url, iat, exp: iat + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one', ...header })
      .sign((foreignKey ? foreign : key).privateKey);
  }

  function listen(
    address: string,
    ahead: number | undefined,
    answer: (name: string, request: IncomingMessage, body: string) => Reply | undefined | Promise<Reply | undefined>,
  ) {
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const name = `${request.method} ${request.url?.split('?')[0]}`;
      requests.push(name);
      const reply = (await answer(name, request, body)) ?? { status: 404 };
      const headers = {
        'content-type': 'application/json',
        date: noDate ? undefined : new Date(Date.now() + (ahead ?? 0) * 1000).toUTCString(),
        ...reply.headers,
      };
      response.sendDate = false;
      for (const [header, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(header, value);
      response.statusCode = reply.status ?? 200;
      response.end(reply.body ?? (reply.status === 202 ? undefined : JSON.stringify(reply.document ?? {})));
    };
    return serve(
      (request, response) => {
        void handle(request, response);
      },
      { port: Number(new URL(address).port), host: '127.0.0.1', drainFor: 0 },
    );
  }
}

const CORS = { 'access-control-allow-origin': '*' };

function answerMcp({ id, method, params }: { id: unknown; method: string; params: Record<string, unknown> }): Reply {
  const results: Readonly<Record<string, object>> = {
    initialize: {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'test', version: '1' },
    },
    'tools/list': { tools: [{ name: 'list_todos', inputSchema: { type: 'object' } }] },
  };
  return method.startsWith('notifications/')
    ? { status: 202 }
    : { document: { jsonrpc: '2.0', id, result: results[method] } };
}
