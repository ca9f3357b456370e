import type { IncomingHttpHeaders } from 'node:http';
import { type Agent, request } from 'node:https';
import { expect } from 'vitest';

/** The response of a proxy. */
type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

type Sent = { method?: string; headers?: Record<string, string>; body?: string };

/** The client `demo` of an installation behind a proxy with TLS, where each service has a host below example.com. */
export type ProxyClient = {
  /** Sends a request to the proxy, as if the name of its host led there. `Host` has no port, as for port 443. */
  readonly send: (url: string, sent?: Sent, agent?: Agent) => Promise<Answer>;
  /** Requests an access token. @returns the value of a header `Authorization`. */
  readonly getToken: (resource?: string) => Promise<string>;
  /** Creates a todo. */
  readonly create: (authorization: string) => Promise<Answer>;
};

/**
 * Creates the client of a proxy on 127.0.0.1.
 * @param ca the certificate of the authority that the proxy's certificate is from.
 * @param secret that of the client `demo`.
 */
export function createProxyClient({ port, ca, secret }: { port: number; ca: string; secret: string }): ProxyClient {
  return { send, getToken, create };

  function send(url: string, { method = 'GET', headers = {}, body }: Sent = {}, agent?: Agent): Promise<Answer> {
    const { hostname, pathname, search } = new URL(url);
    const to = { host: '127.0.0.1', port, servername: hostname, ca, method, path: pathname + search };
    const options = { ...to, headers: { host: hostname, ...headers }, ...(agent !== undefined && { agent }) };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async function getToken(resource = 'https://todos.example.com/api/v1'): Promise<string> {
    const { status, body } = await send('https://auth.example.com/oauth/token', {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`demo:${secret}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }).toString(),
    });
    expect(status, body).toBe(200);
    return `Bearer ${JSON.parse(body).access_token}`;
  }

  function create(authorization: string): Promise<Answer> {
    const headers = { authorization, 'content-type': 'application/json' };
    const body = JSON.stringify({ title: 'Behind a proxy' });
    return send('https://todos.example.com/api/v1/todos', { method: 'POST', headers, body });
  }
}
