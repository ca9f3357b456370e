import { decodeJwt } from 'jose';
import * as z from 'zod';
import type { Environment } from '../../shared/configuration/environment.ts';
import { AuthorizationServerUnavailableError } from '../../shared/resource-server/issuer.ts';
import { ImportCounts } from '../../shared/todo/import-counts.ts';
import { JSON_LINES, writeJsonLines } from '../../shared/todo/json-lines.ts';
import type { PreparedTodo } from '../../shared/todo-import/prepare-import.ts';
import { escapeInvisible } from '../../shared/visible-text.ts';
import { createPatientFetch, FOR_AUTH_OF_IMPORT, FOR_TODO_API } from '../patient-fetch.ts';
import { readSettings } from '../read-settings.ts';
import { requestToken } from '../request-token.ts';
import { TODO_TEXTS } from './texts.ts';

/** The todo API, for the client or the account of `token`. */
export type TodoApi = {
  /** Whose todos they are: the `sub` of the access token. */
  readonly subject: string;
  readonly importTodos: (todos: readonly PreparedTodo[]) => Promise<ImportCounts>;
  /** Requests all todos as JSON Lines, which arrive while the body is read. */
  readonly exportTodos: () => Promise<ReadableStream<Uint8Array>>;
};

const Problem = z.object({ detail: z.string() });

/**
 * Gets an access token, and connects to the todo API with it.
 * @throws {InvalidConfigurationError}
 * @throws when there are no credentials, or auth issues no access token.
 */
export async function connectTodoApi(given: Environment, notify: (text: string) => void): Promise<TodoApi> {
  const { apiResource } = readSettings(given);
  const patientFetch = createPatientFetch({ notify, patience: FOR_TODO_API });
  // an auth that is not there when the command starts is not waited for as long
  let accessToken = await getAccessToken(createPatientFetch({ notify }));

  return {
    subject: String(decodeJwt(accessToken).sub),
    async importTodos(todos) {
      const response = await call(patientFetch, '/todos/import', {
        method: 'POST',
        headers: { 'content-type': JSON_LINES },
        body: writeJsonLines(todos),
      });
      return ImportCounts.parse(await response.json());
    },
    async exportTodos() {
      // not the patient fetch, whose time would end the body of a long list
      const { body } = await call(fetch, '/todos/export', {});
      if (body === null) throw new Error(TODO_TEXTS.unexpectedResponse(200));
      return body;
    },
  };

  async function getAccessToken(fetch: typeof globalThis.fetch): Promise<string> {
    return (await requestToken(given, { resource: apiResource }, { fetch })).access_token;
  }

  /** A long import can outlive its access token: after 401 the request is repeated with a new one. */
  async function call(send: typeof fetch, path: string, init: RequestInit): Promise<Response> {
    const first = await attempt();
    if (first.status !== 401) return requireSuccess(first);
    accessToken = await getAccessToken(createPatientFetch({ notify, patience: FOR_AUTH_OF_IMPORT }));
    return requireSuccess(await attempt());

    function attempt(): Promise<Response> {
      const headers = { ...init.headers, authorization: `Bearer ${accessToken}` };
      return send(`${apiResource}${path}`, { ...init, headers, redirect: 'error' }).catch((cause: unknown) => {
        throw new TodoApiError(TODO_TEXTS.unreachable(apiResource), { isTemporary: true, cause });
      });
    }
  }
}

async function requireSuccess(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { data } = Problem.safeParse(await response.json().catch(() => undefined));
  const { status } = response;
  throw new TodoApiError(
    data === undefined ? TODO_TEXTS.unexpectedResponse(status) : TODO_TEXTS.rejected(escapeInvisible(data.detail)),
    { isTemporary: status === 429 || (status >= 500 && status !== FULL) },
  );
}

/** The status of an API in which the user has no room left. */
const FULL = 507;

/** The todo API rejected a request, or did not answer. */
class TodoApiError extends Error {
  override readonly name = 'TodoApiError';
  readonly isTemporary: boolean;

  constructor(message: string, { isTemporary, cause }: { isTemporary: boolean; cause?: unknown }) {
    super(message, { cause });
    this.isTemporary = isTemporary;
  }
}

/** Whether the same request may succeed later, without a change by the user. */
export function isTemporary(error: unknown): boolean {
  return error instanceof AuthorizationServerUnavailableError || (error instanceof TodoApiError && error.isTemporary);
}
