import { text } from 'node:stream/consumers';
import { serve } from '../../shared/http/serve.ts';

/** A stand-in for the todo API, with a token endpoint that gives every client an access token. Disposing it closes it. */
export type TodoApiDouble = AsyncDisposable & {
  readonly resource: string;
  readonly tokenUrl: string;
  /** The requests for todos, in order. */
  readonly requests: readonly ApiRequest[];
};

export type ApiRequest = {
  readonly method: string;
  /** The path below the resource, with the query. */
  readonly path: string;
  readonly body: string;
  /** Whether the client closed the connection before it got the response. */
  readonly isAborted: () => boolean;
};

/** A response of the double; undefined if it never responds. */
export type ApiAnswer = { readonly status: number; readonly body?: unknown } | undefined;

/** Starts a double that sends the response of `answer` to each request for todos. */
export async function startTodoApiDouble(
  answer: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>,
): Promise<TodoApiDouble> {
  const requests: ApiRequest[] = [];
  const server = await serve(
    async (incoming, outgoing) => {
      let isAborted = false;
      outgoing.on('close', () => {
        isAborted = !outgoing.writableFinished;
      });
      const url = incoming.url ?? '';
      const send = (status: number, body: unknown) => {
        outgoing.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
        outgoing.end(JSON.stringify(body));
      };
      const body = await text(incoming);
      if (url === '/token') {
        send(200, { access_token: 'opaque', token_type: 'Bearer', expires_in: 3600, scope: 'todos:read todos:write' });
        return;
      }
      if (url.startsWith('/.well-known/')) {
        send(200, { resource: `${origin}/api/v1`, authorization_servers: [origin] });
        return;
      }
      const method = incoming.method ?? '';
      const request = { method, path: url.replace(/^\/api\/v1/, ''), body, isAborted: () => isAborted };
      requests.push(request);
      const answered = await answer(request);
      if (answered !== undefined) send(answered.status, answered.body ?? {});
    },
    { port: 0, host: '127.0.0.1', drainFor: 0 },
  );
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    resource: `${origin}/api/v1`,
    tokenUrl: `${origin}/token`,
    requests,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
