import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { AnswerRequest } from '../streamable-http/answer-request.ts';

/**
 * Answers one message of MCP 2025-11-25 or an earlier revision, without a session: with one JSON body, or with an event
 * stream when the client asked for progress of a tool that reports it, or reads nothing else.
 */
export const answerRequest: AnswerRequest = async (request, message, { server, accepted, reportsProgress }) => {
  const enableJsonResponse = accepted.json && !(accepted.eventStream && reportsProgress);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse });
  await server.connect(transport);
  return transport.handleRequest(request, { parsedBody: message });
};
