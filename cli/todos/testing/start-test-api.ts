import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a server answers: a status, a body, and headers. */
export type Answer = readonly [status: number, body: object, headers?: Record<string, string>];

/**
 * Starts a server that issues access tokens and is a todo API with these answers, one after another.
 * @param answers those to an import.
 * @param exported the body of an export, and whether it breaks off after that, or never ends.
 * @param tokenAnswers answers to the first requests for access tokens: undefined for an access token.
 */
export async function startTestApi(
  answers: readonly Answer[],
  exported: { body: string; end?: 'breaks off' | 'never' } = { body: '' },
  tokenAnswers: readonly (Answer | undefined)[] = [],
) {
  const imports: { authorization: string | undefined; titles: string[] }[] = [];
  let issued = 0;
  const remainingTokenAnswers = [...tokenAnswers];

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const issuer = `http://${request.headers.host}`;
    if (request.url?.startsWith('/.well-known/')) return [200, { issuer, token_endpoint: `${issuer}/oauth/token` }];
    if (request.url === '/oauth/token') {
      const given = remainingTokenAnswers.shift();
      if (given !== undefined) return given;
      issued += 1;
      return [200, { access_token: createToken(issued), token_type: 'Bearer', expires_in: 3600 }];
    }
    const lines = (await text(request)).trim().split('\n');
    imports.push({
      authorization: request.headers.authorization,
      titles: lines.map((line) => JSON.parse(line).title),
    });
    return answers[imports.length - 1] ?? [500, {}];
  };

  const sendExport = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/jsonl' });
    response.flushHeaders();
    if (exported.end === 'breaks off') response.write(exported.body, () => setTimeout(() => response.destroy(), 50));
    else if (exported.end === 'never') response.write(exported.body);
    else response.end(exported.body);
  };

  const server = createServer(async (request, response) => {
    if (request.url === '/api/v1/todos/export') return sendExport(response);
    const [status, body, headers] = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    imports,
    environment: {
      AUTH_ISSUER: origin,
      API_RESOURCE: `${origin}/api/v1`,
      OAUTH_CLIENT_ID: 'demo',
      OAUTH_CLIENT_SECRET: 'secret',
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The header with the access token that was issued as the first, the second and so on. */
export function bearer(number: number): string {
  return `Bearer ${createToken(number)}`;
}

/** A JWT without a signature. */
function createToken(number: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode({ sub: 'demo', jti: String(number) })}.`;
}
