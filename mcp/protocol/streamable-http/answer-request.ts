import type { Server } from '@modelcontextprotocol/server';
import type { JsonRpcMessage } from './json-rpc.ts';

/** The media types that the client can read. */
export type Accepted = { readonly json: boolean; readonly eventStream: boolean };

/**
 * Answers one message over HTTP as one revision of MCP demands. `server` is for this message alone; it is connected here.
 * @param request the headers that belong to the revision, without a body.
 */
export type AnswerRequest = (
  request: Request,
  message: JsonRpcMessage,
  options: { readonly server: Server; readonly accepted: Accepted },
) => Promise<Response>;

/** Whether the response can be an event stream, because the client asked for progress. */
export function hasProgressToken({ method, params }: JsonRpcMessage): boolean {
  return method === 'tools/call' && Object(params?._meta).progressToken !== undefined;
}
