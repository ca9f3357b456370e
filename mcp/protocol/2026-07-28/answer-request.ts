import { createMcpHandler, ProtocolErrorCode, type Server } from '@modelcontextprotocol/server';
import type { AnswerRequest } from '../streamable-http/answer-request.ts';
import { findMessageId } from '../tolerant-message.ts';

/** The servers of the requests that are being answered. The handlers ask for them by the request. */
const servers = new WeakMap<Request, Server>();

/** Answers with one JSON body, or with an event stream when a feature reports progress. */
const handler = createHandler('auto');

/** Answers with an event stream. */
const streamingHandler = createHandler('sse');

function createHandler(responseMode: 'auto' | 'sse') {
  return createMcpHandler(
    ({ requestInfo }) => {
      const server = requestInfo && servers.get(requestInfo);
      if (server === undefined) throw new Error('there is no server for this request');
      return server;
    },
    { legacy: 'reject', responseMode },
  );
}

/**
 * Answers one message of MCP 2026-07-28. The SDK compares the headers and the body, before the server gets the message. No
 * subscription is opened (docs/decisions/0031).
 */
export const answerRequest: AnswerRequest = async (request, message, { server, accepted }) => {
  if (message.method === 'subscriptions/listen') return rejectMethod(message);
  servers.set(request, server);
  const { fetch } = accepted.json ? handler : streamingHandler;
  return fetch(request, { parsedBody: accepted.eventStream ? message : withoutProgressToken(message) });
};

function rejectMethod(message: object): Response {
  const error = { code: ProtocolErrorCode.MethodNotFound, message: 'Method not found' };
  return Response.json({ jsonrpc: '2.0', id: findMessageId(message) ?? null, error }, { status: 404 });
}

/** A client that reads no event stream gets the result alone. */
function withoutProgressToken(message: { readonly params?: Readonly<Record<string, unknown>> | undefined }) {
  const { progressToken: _, ...meta } = Object(message.params?._meta);
  return { ...message, params: { ...message.params, _meta: meta } };
}
