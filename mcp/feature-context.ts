import type { ClientCapabilities } from '@modelcontextprotocol/server';
import type { TodoApi } from './todo-api/todo-api.ts';

/** What tools, resources and prompts use on behalf of one caller. It is the same for all requests of the caller. */
export type Caller = {
  /** The todo API, with an access token of the caller. */
  readonly todos: TodoApi;
};

/** What tools, resources and prompts get with each request. */
export type FeatureContext = Caller & {
  /** Aborted when the caller no longer waits for the response. */
  readonly signal: AbortSignal;
  /** Reports progress; absent when the caller did not ask for it. */
  readonly reportProgress?: (done: number, total: number, message: string) => Promise<void>;
  /** How a tool or a prompt gets input of the user; absent where the revision of MCP has no way to ask for it. */
  readonly input?: InputContext;
};

/**
 * What the client has answered so far. A tool or a prompt asks by returning `inputRequired(…)` of the SDK. The client then
 * sends the request once more, with the responses (MCP 2026-07-28, Multi Round-Trip Requests).
 */
export type InputContext = {
  /** What the client can be asked for. */
  readonly clientCapabilities: ClientCapabilities;
  /** The responses by the keys of the requests, as the client sent them. */
  readonly responses: Readonly<Record<string, unknown>>;
  /** What was sent with the requests. The client may have changed it. */
  readonly state: string | undefined;
};
