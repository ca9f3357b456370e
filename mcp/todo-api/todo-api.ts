import * as z from 'zod';
import { REQUEST_ID } from '../../shared/http/request-id.ts';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { type Batch, BatchResults } from '../../shared/todo/batch.ts';
import { ImportCounts } from '../../shared/todo/import-counts.ts';
import { JSON_LINES, writeJsonLines } from '../../shared/todo/json-lines.ts';
import { type NewTodo, Todo, type TodoChanges } from '../../shared/todo/todo.ts';
import type { PreparedTodo } from '../../shared/todo-import/prepare-import.ts';
import type { AccessTokenSource } from '../access-tokens/access-token-source.ts';
import { TodoApiError } from './todo-api-error.ts';

/**
 * The todo API as a client uses it. Every call throws `TodoApiError`, an error of its access token source, or the reason of
 * an aborted signal.
 */
export type TodoApi = {
  /** Lists one page, by the parameters of `TodoListQuery`. */
  readonly list: (query: Record<string, string>, options: CallOptions) => Promise<TodoPage>;
  readonly get: (id: string, options: CallOptions) => Promise<Todo>;
  /** A second call with the same idempotency key creates nothing and returns the todo of the first call. */
  readonly create: (todo: NewTodo, options: CallOptions & { idempotencyKey?: string | undefined }) => Promise<Todo>;
  readonly update: (id: string, changes: TodoChanges, options: ChangeOptions) => Promise<Todo>;
  readonly remove: (id: string, options: ChangeOptions) => Promise<void>;
  readonly restore: (id: string, options: ChangeOptions) => Promise<Todo>;
  readonly batch: (
    batch: Batch,
    options: CallOptions & { idempotencyKey?: string | undefined },
  ) => Promise<BatchResults>;
  /** Creates todos with ids. Those whose ids exist are skipped. */
  readonly importTodos: (todos: readonly PreparedTodo[], options: CallOptions) => Promise<ImportCounts>;
};

/** One page of a list. */
type TodoPage = {
  readonly todos: readonly Todo[];
  /** The number of todos on all pages, at most `MAX_COUNT`; undefined when it was not requested. */
  readonly total: number | undefined;
  /** The cursor of the next page; undefined on the last page. */
  readonly nextCursor: string | undefined;
};

/** `signal` cancels the request. */
type CallOptions = { readonly signal: AbortSignal };
/** With a `version`, the API rejects the change when the todo has another version. */
type ChangeOptions = CallOptions & { readonly version?: number | undefined };

/** How long the API may take to answer. */
const REQUEST_TIMEOUT_MS = 10_000;

/** What a request has beside its path: its body is an object as JSON, or a list of objects as JSON Lines. */
type RequestContent = {
  readonly body?: object;
  readonly lines?: readonly object[];
  readonly headers?: Record<string, string>;
};

/**
 * Creates a client of the todo API at `baseUrl`. When the API rejects the access token, the request is repeated once with a
 * new one. That is safe for writes too, because a request with a rejected access token changes nothing.
 */
export function createTodoApi({
  baseUrl,
  accessTokens,
  address,
  requestId,
  onRateLimited,
  fetch,
}: {
  baseUrl: () => Promise<string>;
  /** The address that errors name: what the caller knows, when `baseUrl` is internal. */
  address: string;
  accessTokens: AccessTokenSource;
  /** The id of the request that this client serves; the API logs it. */
  requestId?: string;
  /** Called when the API rejects a request because the caller has no points left for `seconds`. */
  onRateLimited?: (seconds: number) => void;
  fetch: typeof globalThis.fetch;
}): TodoApi {
  return {
    async list(query, options) {
      const response = await call('GET', `/todos?${new URLSearchParams(query)}`, options);
      const total = response.headers.get('total-count');
      return {
        todos: await parse(response, Todos),
        total: total === null ? undefined : Number(total),
        nextCursor: findNextCursor(response.headers.get('link')),
      };
    },
    get: async (id, options) => parse(await call('GET', `/todos/${id}`, options), Todo),
    async create(todo, options) {
      return parse(await call('POST', '/todos', options, { body: todo, headers: idempotencyHeader(options) }), Todo);
    },
    async update(id, changes, options) {
      return parse(
        await call('PATCH', `/todos/${id}`, options, { body: changes, headers: ifMatchHeader(options) }),
        Todo,
      );
    },
    async remove(id, options) {
      await parse(await call('DELETE', `/todos/${id}`, options, { headers: ifMatchHeader(options) }), Message);
    },
    async restore(id, options) {
      return parse(await call('POST', `/todos/${id}/restore`, options, { headers: ifMatchHeader(options) }), Todo);
    },
    async batch(batch, options) {
      return parse(
        await call('POST', '/todos/batch', options, { body: batch, headers: idempotencyHeader(options) }),
        BatchResults,
      );
    },
    async importTodos(todos, options) {
      return parse(await call('POST', '/todos/import', options, { lines: todos }), ImportCounts);
    },
  };

  async function call(
    method: string,
    path: string,
    options: CallOptions,
    content: RequestContent = {},
  ): Promise<Response> {
    const first = await send(method, path, options, content);
    const response = first.status === 401 ? await send(method, path, options, content) : first;
    if (response.status === 401) throw new AccessTokenRejectedError('invalid_token');
    if (response.ok) return response;
    const error = new TodoApiError(response.status, { problem: await response.json().catch(() => undefined) });
    const retryAfter = Number(response.headers.get('retry-after'));
    if (error.code === 'rate_limited' && retryAfter > 0) onRateLimited?.(retryAfter);
    throw error;
  }

  async function send(
    method: string,
    path: string,
    { signal }: CallOptions,
    { body, lines, headers }: RequestContent,
  ): Promise<Response> {
    const accessToken = await accessTokens.get();
    const url = `${await baseUrl()}${path}`;
    const init: RequestInit = {
      method,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      headers: {
        authorization: `Bearer ${accessToken}`,
        ...(requestId !== undefined && { [REQUEST_ID]: requestId }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(lines !== undefined && { 'content-type': JSON_LINES }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(lines !== undefined && { body: writeJsonLines(lines) }),
    };
    try {
      const response = await fetch(url, init);
      if (response.status === 401) accessTokens.reject(accessToken);
      return response;
    } catch (cause) {
      // an aborted signal says nothing about the API
      signal.throwIfAborted();
      throw new TodoApiError(503, { cause, address });
    }
  }
}

const Todos = z.array(Todo);
const Message = z.object({ message: z.string() });

async function parse<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) throw new TodoApiError(502, { cause: parsed.error });
  return parsed.data;
}

function idempotencyHeader({ idempotencyKey }: { idempotencyKey?: string | undefined }): Record<string, string> {
  return idempotencyKey === undefined ? {} : { 'idempotency-key': `"${idempotencyKey}"` };
}

function ifMatchHeader({ version }: ChangeOptions): Record<string, string> {
  return version === undefined ? {} : { 'if-match': `"${version}"` };
}

/** Finds the cursor in a Link header with the relation `next` (RFC 8288). */
function findNextCursor(link: string | null): string | undefined {
  const target = /<([^>]*)>; rel="next"/.exec(link ?? '')?.[1] ?? '';
  return URL.canParse(target) ? (new URL(target).searchParams.get('cursor') ?? undefined) : undefined;
}
