import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Context, Middleware } from 'koa';
import { InvalidRequestError } from '../../shared/http/http-error.ts';
import { requestId } from '../../shared/http/request-id.ts';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { Challenges } from '../../shared/resource-server/challenge.ts';
import type { Authorized } from '../../shared/resource-server/koa.ts';
import type { AccessTokenSource } from '../access-tokens/access-token-source.ts';
import type { ExchangeAccessToken } from '../access-tokens/token-exchange.ts';
import { readOnly, type ServerFeatures, scopeOf } from '../features.ts';
import type { JsonRpcMessage } from './json-rpc.ts';

/** What is known of a request to the MCP endpoint. */
export type McpState = Authorized & { body: JsonRpcMessage; features: ServerFeatures };

/**
 * Offers every feature, or with `?mode=read` those alone that change nothing. Refuses another mode with 400: whoever
 * misspells it must not be offered more than he asked for.
 */
export function offerFeatures(features: ServerFeatures): Middleware<McpState> {
  const forReading = readOnly(features);
  return function offerFeatures(ctx, next) {
    const { mode } = ctx.query;
    if (mode !== undefined && mode !== 'read')
      throw new InvalidRequestError([{ field: 'mode', expected: 'read, or none' }]);
    ctx.state.features = mode === 'read' ? forReading : features;
    return next();
  };
}

/** What a caller's access token may not do is refused by HTTP, before anything is done (RFC 6750 §3.1). */
export function requireScopeOfMessage(challenges: Challenges): Middleware<McpState> {
  return function requireScopeOfMessage(ctx, next) {
    const scope = scopeOf(ctx.state.features, ctx.state.body);
    if (scope !== undefined && !ctx.state.accessToken.scopes.has(scope)) throw challenges.insufficientScope([scope]);
    return next();
  };
}

/** Creates the server that answers one message of one caller. */
export type CreateServer = (caller: {
  readonly accessTokens: AccessTokenSource;
  readonly requestId: string;
  readonly grantedScopes: ReadonlySet<string>;
  readonly features: ServerFeatures;
}) => Server;

/**
 * Answers one JSON-RPC message by a server and a transport of its own (MCP 2025-11-25, Streamable HTTP): nothing is kept
 * between two requests, so any instance can answer any of them. The answer is JSON and complete, so that an access
 * token that was refused on the way can still become a 401; only who wants to be told the progress is sent a stream, and
 * its status waits until an API that refuses would have done so.
 */
export function answerMessage({
  resource,
  createServer,
  exchange,
  challenges,
}: {
  resource: string;
  createServer: CreateServer;
  exchange: ExchangeAccessToken;
  challenges: Challenges;
}): Middleware<McpState> {
  return async function answerMessage(ctx) {
    const { accessToken, body, features } = ctx.state;
    let refusal: AccessTokenRejectedError | undefined;
    const accessTokens = noteRefusal(exchange(accessToken, requestId(ctx)), (error) => {
      refusal = error;
    });
    const stream = wantsProgress(body);
    const grantedScopes = accessToken.scopes;
    const server = createServer({ accessTokens, requestId: requestId(ctx), grantedScopes, features });
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: !stream });
    await server.connect(transport);
    // whoever hangs up no longer waits: what he asked for is cancelled
    const hungUp = new Promise<undefined>((resolve) => ctx.res.once('close', () => resolve(undefined)));
    try {
      const request = new Request(resource, { method: 'POST', headers: transportHeaders(ctx) });
      const response = await Promise.race([transport.handleRequest(request, { parsedBody: body }), hungUp]);
      requireAccepted();
      if (response === undefined) return;
      if (isStream(response)) {
        await sendStream(ctx, response, { hungUp, requireAccepted });
        return;
      }
      answerHead(ctx, response);
      ctx.body = await response.text();
    } finally {
      await server.close();
    }

    /** Never a result: a client renews its access token on a 401 and on nothing else. */
    function requireAccepted(): void {
      if (refusal !== undefined) throw challenges.invalid(new InvalidAccessTokenError('invalid', refusal));
    }
  };
}

function wantsProgress({ method, params }: JsonRpcMessage): boolean {
  return method === 'tools/call' && Object(params?._meta).progressToken !== undefined;
}

type Stream = Response & { readonly body: ReadableStream<Uint8Array> };

function isStream(response: Response): response is Stream {
  return response.headers.get('content-type') === 'text/event-stream';
}

/** Milliseconds after which a stream begins that has not ended: an access token that is refused is refused sooner. */
const STREAM_AFTER = 500;

/** Sends events as they come, the first of them once the stream begins, and returns when the last was sent or the caller is gone. */
async function sendStream(
  ctx: Context,
  response: Stream,
  { hungUp, requireAccepted }: { hungUp: Promise<undefined>; requireAccepted: () => void },
): Promise<void> {
  const reader = response.body.getReader();
  let next = reader.read();
  const held: Uint8Array[] = [];
  await readUntil(Promise.race([hungUp, delay(STREAM_AFTER, undefined, { ref: false })]), (event) => held.push(event));
  if (ctx.res.destroyed) return;
  requireAccepted();
  answerHead(ctx, response);
  ctx.respond = false;
  ctx.res.statusCode = ctx.status;
  ctx.res.flushHeaders();
  for (const event of held) ctx.res.write(event);
  await readUntil(hungUp, (event) => ctx.res.write(event));
  ctx.res.end();

  async function readUntil(end: Promise<undefined>, use: (event: Uint8Array) => void): Promise<void> {
    for (;;) {
      const part = await Promise.race([next, end]);
      if (part === undefined || part.done) return;
      use(part.value);
      next = reader.read();
    }
  }
}

function answerHead(ctx: Context, { status, headers }: Response): void {
  ctx.status = status;
  ctx.set(Object.fromEntries(headers));
}

/** The error codes by which the authorization server, or the API, refuses the caller's access token and not this server. */
const CALLER_REFUSED: readonly string[] = ['invalid_request', 'invalid_grant', 'invalid_token'];

function noteRefusal(source: AccessTokenSource, note: (refusal: AccessTokenRejectedError) => void): AccessTokenSource {
  let refusedBefore = false;
  const fresh = new Set<string>();
  return {
    reject(accessToken) {
      source.reject(accessToken);
      // the API refused a fresh one too; parallel calls may all have been refused the one before
      if (fresh.has(accessToken)) note(new AccessTokenRejectedError('invalid_token'));
      refusedBefore = true;
    },
    async get() {
      try {
        const accessToken = await source.get();
        if (refusedBefore) fresh.add(accessToken);
        return accessToken;
      } catch (error) {
        if (error instanceof AccessTokenRejectedError && CALLER_REFUSED.includes(error.error)) note(error);
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
