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
};
