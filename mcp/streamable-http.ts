import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Context, Middleware } from 'koa';
import { requestId } from '../shared/http/request-id.ts';
import { InvalidAccessToken } from '../shared/oauth/access-token-claims.ts';
import type { Challenges } from '../shared/oauth/challenges.ts';
import type { Authorized } from '../shared/oauth/require-access-token.ts';
import { AccessTokenRefused, type AccessTokenSource } from './access-tokens/access-token-source.ts';
import type { ExchangeAccessToken } from './access-tokens/token-exchange.ts';
import type { JsonRpcMessage } from './json-rpc.ts';
import { tools } from './tools/index.ts';

/** What a caller's access token may not do is refused by HTTP, before anything is done (RFC 6750 §3.1). */
export function requireToolScope(challenges: Challenges): Middleware<Authorized & { body: JsonRpcMessage }> {
  return async function requireToolScope(ctx, next) {
    const { method, params } = ctx.state.body;
    const tool = method === 'tools/call' ? tools.find(({ name }) => name === params?.name) : undefined;
    if (tool !== undefined && !ctx.state.accessToken.scopes.has(tool.scope))
      throw challenges.insufficientScope([tool.scope]);
    await next();
  };
}

/**
 * Answers one JSON-RPC message by a server and a transport of its own (MCP 2025-11-25, Streamable HTTP): nothing is kept
 * between two requests, so any instance can answer any of them. The answer is JSON and complete, so that an access
 * token that was refused on the way can still become a 401.
 */
export function answerMessage({
  resource,
  createServer,
  exchange,
  challenges,
}: {
  resource: string;
  createServer: (accessTokens: AccessTokenSource, requestId: string) => Server;
  exchange: ExchangeAccessToken;
  challenges: Challenges;
}): Middleware<Authorized & { body: JsonRpcMessage }> {
  return async function answerMessage(ctx) {
    let refusal: AccessTokenRefused | undefined;
    const accessTokens = noteRefusal(exchange(ctx.state.accessToken, requestId(ctx)), (error) => {
      refusal = error;
    });
    const server = createServer(accessTokens, requestId(ctx));
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    // whoever hangs up no longer waits: what he asked for is cancelled
    const hungUp = new Promise<undefined>((resolve) => ctx.res.once('close', () => resolve(undefined)));
    try {
      const request = new Request(resource, { method: 'POST', headers: transportHeaders(ctx) });
      const response = await Promise.race([transport.handleRequest(request, { parsedBody: ctx.state.body }), hungUp]);
      // never a result: a client renews its access token on a 401 and on nothing else
      if (refusal !== undefined) throw challenges.invalid(new InvalidAccessToken('invalid', refusal));
      if (response === undefined) return;
      ctx.body = await response.text();
      ctx.status = response.status;
      ctx.set(Object.fromEntries(response.headers));
    } finally {
      await server.close();
    }
  };
}

/** The error codes by which the authorization server, or the API, refuses the caller's access token and not this server. */
const CALLER_REFUSED: readonly string[] = ['invalid_request', 'invalid_grant', 'invalid_token'];

function noteRefusal(source: AccessTokenSource, note: (refusal: AccessTokenRefused) => void): AccessTokenSource {
  let refusals = 0;
  return {
    refused(accessToken) {
      source.refused(accessToken);
      refusals += 1;
      // the API refused a fresh one too
      if (refusals > 1) note(new AccessTokenRefused('invalid_token'));
    },
    async get() {
      try {
        return await source.get();
      } catch (error) {
        if (error instanceof AccessTokenRefused && CALLER_REFUSED.includes(error.error)) note(error);
        throw error;
      }
    },
  };
}

/** What the transport looks at, and nothing else: the caller's access token ends here. */
function transportHeaders(ctx: Context): Record<string, string> {
  const names = ['accept', 'content-type', 'mcp-protocol-version'];
  return Object.fromEntries(names.filter((name) => ctx.get(name) !== '').map((name) => [name, ctx.get(name)]));
}
