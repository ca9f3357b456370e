import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

export type HttpRequest = {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
};

export type HttpResponse = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** A response may take this long, also after a flood has ended: audit events are counted by the responses. */
const RESPONSE_TIMEOUT_MS = 20_000;

/**
 * Sends a request and reads the response to its end.
 * @throws an error with a `code` when the connection fails, or `timeout` when it is silent for `timeoutMs`.
 */
export function send(
  { url, method = 'GET', headers = {}, body }: HttpRequest,
  agent: Agent,
  { timeoutMs = RESPONSE_TIMEOUT_MS, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent, timeout: timeoutMs, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: String(Buffer.concat(chunks)) }),
      );
    });
    sent.once('timeout', () => sent.destroy(Object.assign(new Error('no response'), { code: 'timeout' })));
    sent.once('error', reject);
    sent.end(body);
  });
}
