import { isLegacyRequest, type Server } from '@modelcontextprotocol/server';
import type { Context, Middleware } from 'koa';
import { HttpError } from '../../../shared/http/http-error.ts';
import { requestId } from '../../../shared/http/request-id.ts';
import type { RateLimit } from '../../../shared/rate-limit/rate-limit.ts';
import { InvalidAccessTokenError } from '../../../shared/resource-server/access-token-claims.ts';
import type { Challenges } from '../../../shared/resource-server/challenge.ts';
import type { AccessTokenSource } from '../../access-tokens/access-token-source.ts';
import { detectRejection } from '../../access-tokens/detect-rejection.ts';
import type { ExchangeAccessToken } from '../../access-tokens/token-exchange.ts';
import type { ServerFeatures } from '../../features.ts';
import { answerRequest as answer20251125 } from '../2025-11-25/answer-request.ts';
import { answerRequest as answer20260728 } from '../2026-07-28/answer-request.ts';
import { type Accepted, asksForProgress } from './answer-request.ts';
import { copyHead } from './copy-head.ts';
import { isEventStream, sendEventStream } from './event-stream.ts';
import type { McpState } from './mcp-state.ts';

const JSON_TYPE = 'application/json';
const EVENT_STREAM_TYPE = 'text/event-stream';

/** Creates the MCP server that answers one message of one caller. */
export type CreateServer = (request: {
  /** The caller's access tokens for the todo API. */
  readonly accessTokens: AccessTokenSource;
  readonly requestId: string;
  /** To be called when the API rejects the caller for `seconds`. */
  readonly onRateLimited: (seconds: number) => void;
  readonly grantedScopes: ReadonlySet<string>;
  readonly features: ServerFeatures;
}) => Server;

/**
 * Answers one JSON-RPC message over Streamable HTTP, in the revision of MCP that it is written in. Each message gets a server
 * and a transport of its own, and nothing is kept between requests, so any instance can answer any message. The response is
 * one JSON body, sent when the answer is complete, so that it can still be a 401 when auth or the API rejects the access
 * token. A call whose progress is reported is answered with an event stream, which is held back for a moment for the same reason.
 */
export function answerMessage({
  resource,
  createServer,
  exchange,
  exhaust,
  challenges,
}: {
  resource: string;
  createServer: CreateServer;
  exchange: ExchangeAccessToken;
  exhaust: RateLimit['exhaust'];
  challenges: Challenges;
}): Middleware<McpState> {
  return async function answerMessage(ctx) {
    const { accessToken, body, features } = ctx.state;
    const { source, findRejection, findRetryAfter, hasBeenUsed } = detectRejection(
      exchange(accessToken, requestId(ctx)),
    );
    const server = createServer({
      accessTokens: source,
      requestId: requestId(ctx),
      // until then the next request is rejected here, so that a flood does not go on to the API
      onRateLimited: (seconds) => exhaust(ctx, seconds),
      grantedScopes: accessToken.scopes,
      features,
    });
    const accepted = findAccepted(ctx);
    // closing the server in `finally` cancels the requests of a client that has closed its connection
    const disconnected = new Promise<undefined>((resolve) => ctx.res.once('close', () => resolve(undefined)));
    try {
      const request = new Request(resource, { method: 'POST', headers: transportHeaders(ctx) });
      const answer = (await isLegacyRequest(request, body)) ? answer20251125 : answer20260728;
      const response = await Promise.race([
        answer(request, body, { server, accepted, reportsProgress: asksForProgress(body, features) }),
        disconnected,
      ]);
      requireAccepted();
      if (response === undefined) return;
      if (isEventStream(response)) {
        await sendEventStream(ctx, response, { disconnected, requireAccepted });
        return;
      }
      copyHead(response, ctx);
      ctx.body = await response.text();
    } finally {
      ctx.state.forwarded = hasBeenUsed();
      await server.close();
    }

    /**
     * Sets `Retry-After` when auth limits the exchanges.
     * @throws {ChallengeError} 401 and never an error result: a client gets a new access token only after a 401.
     */
    function requireAccepted(): void {
      const rejection = findRejection();
      if (rejection !== undefined) throw challenges.invalid(new InvalidAccessTokenError('invalid', rejection));
      const retryAfter = findRetryAfter();
      if (retryAfter !== undefined) ctx.set('retry-after', String(retryAfter));
    }
  };
}

/**
 * Finds what the client accepts. It should list both media types (MCP 2025-11-25, Streamable HTTP), but many list one, a
 * wildcard, or send no Accept header. A wildcard means JSON: a client that reads event streams names them.
 * @throws {HttpError} 406 when it accepts neither.
 */
function findAccepted(ctx: Context): Accepted {
  const accepted = {
    json: ctx.accepts(JSON_TYPE) !== false,
    eventStream: /text\/(event-stream|\*)/i.test(ctx.get('accept')),
  };
  if (accepted.json || accepted.eventStream) return accepted;
  throw new HttpError('not_acceptable', `accept: expected ${JSON_TYPE} and ${EVENT_STREAM_TYPE}`);
}

const PROTOCOL_HEADERS = ['content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name'];

/** The headers that the transport reads. It gets no others, so that the access token of the caller goes no further. */
function transportHeaders(ctx: Context): Record<string, string> {
  const given = PROTOCOL_HEADERS.filter((name) => ctx.get(name) !== '').map((name) => [name, ctx.get(name)]);
  // the transport rejects a client that does not name both
  return { ...Object.fromEntries(given), accept: `${JSON_TYPE}, ${EVENT_STREAM_TYPE}` };
}
