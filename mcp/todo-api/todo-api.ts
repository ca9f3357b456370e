import * as z from 'zod';
import { REQUEST_ID } from '../../shared/http/request-id.ts';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { type Batch, BatchResults } from '../../shared/todo/batch.ts';
import { type NewTodo, Todo, type TodoChanges } from '../../shared/todo/todo.ts';
import type { AccessTokenSource } from '../access-tokens/access-token-source.ts';
import { TodoApiError } from './todo-api-error.ts';

/** The todo API as its client sees it. Every call throws `TodoApiError`, or what its access token source throws. */
export type TodoApi = {
  /** A page of a list, by the parameters of `TodoListQuery`. */
  readonly list: (query: Record<string, string>, options: CallOptions) => Promise<TodoPage>;
  readonly get: (id: string, options: CallOptions) => Promise<Todo>;
  /** With an idempotency key, a second call with it within 24 hours is given the todo that the first one made. */
  readonly create: (todo: NewTodo, options: CallOptions & { idempotencyKey?: string | undefined }) => Promise<Todo>;
  readonly update: (id: string, changes: TodoChanges, options: ChangeOptions) => Promise<Todo>;
  readonly remove: (id: string, options: ChangeOptions) => Promise<void>;
  readonly restore: (id: string, options: ChangeOptions) => Promise<Todo>;
  readonly batch: (
    batch: Batch,
    options: CallOptions & { idempotencyKey?: string | undefined },
  ) => Promise<BatchResults>;
};

/** A page, how many todos there are on all pages (10,000 stands for more), and the cursor of the next page. */
type TodoPage = {
  readonly todos: readonly Todo[];
  readonly total: number | undefined;
  readonly nextCursor: string | undefined;
};

/** `signal` ends the request when whoever asked for it no longer waits. */
type CallOptions = { readonly signal: AbortSignal };
/** `version` refuses the change when the todo is of another one. */
type ChangeOptions = CallOptions & { readonly version?: number | undefined };

/** Milliseconds that the API has to answer. */
const TIMEOUT = 10_000;

/** What is sent, besides the method and the path. */
type Sent = { readonly body?: object; readonly headers?: Record<string, string> };

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
    async list(query, options) {
      const response = await call('GET', `/todos?${new URLSearchParams(query)}`, options);
      const total = response.headers.get('total-count');
      return {
        todos: await parse(response, z.array(Todo)),
        total: total === null ? undefined : Number(total),
        nextCursor: nextCursor(response.headers.get('link')),
      };
    },
    get: async (id, options) => parse(await call('GET', `/todos/${id}`, options), Todo),
    async create(todo, options) {
      return parse(await call('POST', '/todos', options, { body: todo, headers: once(options) }), Todo);
    },
    async update(id, changes, options) {
      return parse(await call('PATCH', `/todos/${id}`, options, { body: changes, headers: ifMatch(options) }), Todo);
    },
    async remove(id, options) {
      await parse(await call('DELETE', `/todos/${id}`, options, { headers: ifMatch(options) }), Message);
    },
    async restore(id, options) {
      return parse(await call('POST', `/todos/${id}/restore`, options, { headers: ifMatch(options) }), Todo);
    },
    async batch(batch, options) {
      return parse(await call('POST', '/todos/batch', options, { body: batch, headers: once(options) }), BatchResults);
    },
  };

  async function call(method: string, path: string, options: CallOptions, sent: Sent = {}): Promise<Response> {
    const refusedOnce = await send(method, path, options, sent);
    const response = refusedOnce.status === 401 ? await send(method, path, options, sent) : refusedOnce;
    if (response.status === 401) throw new AccessTokenRejectedError('invalid_token');
    if (!response.ok)
      throw new TodoApiError(response.status, { problem: await response.json().catch(() => undefined) });
    return response;
  }

  async function send(
    method: string,
    path: string,
    { signal }: CallOptions,
    { body, headers }: Sent,
  ): Promise<Response> {
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
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    try {
      const response = await fetch(url, init);
      if (response.status === 401) accessTokens.reject(accessToken);
      return response;
    } catch (cause) {
      // whoever asked hung up: that says nothing of the API
      signal.throwIfAborted();
      throw new TodoApiError(503, { cause });
    }
  }
}

const Message = z.object({ message: z.string() });

async function parse<T>(response: Response, answer: z.ZodType<T>): Promise<T> {
  const parsed = answer.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) throw new TodoApiError(502, { cause: parsed.error });
  return parsed.data;
}

function once({ idempotencyKey }: { idempotencyKey?: string | undefined }): Record<string, string> {
  return idempotencyKey === undefined ? {} : { 'idempotency-key': `"${idempotencyKey}"` };
}

function ifMatch({ version }: ChangeOptions): Record<string, string> {
  return version === undefined ? {} : { 'if-match': `"${version}"` };
}

/** The cursor in a Link header with the relation `next` (RFC 8288). */
function nextCursor(link: string | null): string | undefined {
  const target = /<([^>]*)>; rel="next"/.exec(link ?? '')?.[1] ?? '';
  return URL.canParse(target) ? (new URL(target).searchParams.get('cursor') ?? undefined) : undefined;
}
