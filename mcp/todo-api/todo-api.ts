import * as z from 'zod';
import { REQUEST_ID } from '../../shared/http/request-id.ts';
import { type NewTodo, Todo, type TodoChanges } from '../../shared/todo.ts';
import { AccessTokenRefused, type AccessTokenSource } from '../access-tokens/access-token-source.ts';

/** The todo API as its client sees it. Every call throws `TodoApiError`, or what its access token source throws. */
export type TodoApi = {
  readonly list: (options: CallOptions) => Promise<Todo[]>;
  readonly get: (id: string, options: CallOptions) => Promise<Todo>;
  readonly create: (todo: NewTodo, options: CallOptions) => Promise<Todo>;
  readonly update: (id: string, changes: TodoChanges, options: CallOptions) => Promise<Todo>;
  readonly remove: (id: string, options: CallOptions) => Promise<void>;
};

/** `signal` ends the request when whoever asked for it no longer waits. */
type CallOptions = { readonly signal: AbortSignal };

/** Milliseconds that the API has to answer. */
const TIMEOUT = 10_000;

/**
 * Creates a client of the todo API at `baseUrl`. When the API refuses the access token a fresh one is tried once: a
 * request that was refused so has done nothing yet.
 */
export function createTodoApi({
  baseUrl,
  accessTokens,
  requestId,
  fetch,
}: {
  baseUrl: () => Promise<string>;
  accessTokens: AccessTokenSource;
  /** The id of the request on whose behalf this calls, where there is one. */
  requestId?: string;
  fetch: typeof globalThis.fetch;
}): TodoApi {
  return {
    list: (options) => call('GET', '/todos', z.array(Todo), options),
    get: (id, options) => call('GET', `/todos/${id}`, Todo, options),
    create: (todo, options) => call('POST', '/todos', Todo, options, todo),
    update: (id, changes, options) => call('PATCH', `/todos/${id}`, Todo, options, changes),
    async remove(id, options) {
      await call('DELETE', `/todos/${id}`, z.object({ message: z.string() }), options);
    },
  };

  async function call<T>(
    method: string,
    path: string,
    answer: z.ZodType<T>,
    options: CallOptions,
    body?: object,
  ): Promise<T> {
    const refusedOnce = await send(method, path, options, body);
    const response = refusedOnce.status === 401 ? await send(method, path, options, body) : refusedOnce;
    if (response.status === 401) throw new AccessTokenRefused('invalid_token');
    if (!response.ok) throw new TodoApiError(response.status);
    const parsed = answer.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) throw new TodoApiError(502, parsed.error);
    return parsed.data;
  }

  async function send(method: string, path: string, { signal }: CallOptions, body?: object): Promise<Response> {
    const accessToken = await accessTokens.get();
    const url = `${await baseUrl()}${path}`;
    const init: RequestInit = {
      method,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
      headers: {
        authorization: `Bearer ${accessToken}`,
        ...(requestId !== undefined && { [REQUEST_ID]: requestId }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    try {
      const response = await fetch(url, init);
      if (response.status === 401) accessTokens.refused(accessToken);
      return response;
    } catch (cause) {
      // whoever asked hung up: that says nothing of the API
      signal.throwIfAborted();
      throw new TodoApiError(503, cause);
    }
  }
}

/** The todo API did not do what it was asked. `status` is its answer, 502 one that is no answer, 503 none at all. */
export class TodoApiError extends Error {
  override readonly name = 'TodoApiError';
  readonly status: number;

  constructor(status: number, cause?: unknown) {
    super(`The todo API answered ${status}`, { cause });
    this.status = status;
  }
}
