import type { Server } from '@modelcontextprotocol/server';
import type { ServerFeatures } from '../../features.ts';
import type { JsonRpcMessage } from './json-rpc.ts';

/** The media types that the client can read. */
export type Accepted = { readonly json: boolean; readonly eventStream: boolean };

/**
 * Answers one message over HTTP as one revision of MCP demands. `server` is for this message alone; it is connected here.
 * @param request the headers that belong to the revision, without a body.
 * `reportsProgress` is the result of `asksForProgress`.
 */
export type AnswerRequest = (
  request: Request,
  message: JsonRpcMessage,
  options: { readonly server: Server; readonly accepted: Accepted; readonly reportsProgress: boolean },
) => Promise<Response>;

/** Whether a message calls a tool that reports progress, with a progress token. Some hosts send one with every call. */
export function asksForProgress({ method, params }: JsonRpcMessage, { tools }: Pick<ServerFeatures, 'tools'>): boolean {
  if (method !== 'tools/call' || Object(params?._meta).progressToken === undefined) return false;
  return tools.some(({ name, reportsProgress }) => name === params?.name && reportsProgress === true);
}
