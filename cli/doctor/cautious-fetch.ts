import { BrokenLinkError } from './failure.ts';
import { sanitize } from './sanitize.ts';
import { unanswered } from './unanswered.ts';

/** Milliseconds that a server has to answer. */
const TIMEOUT = 5_000;

/** Bytes that an answer may have. */
const LARGEST = 1_000_000;

/** A request that was answered, and the times around it: what a server says of its clock is compared to them. */
export type Answer = {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly askedAt: number;
  readonly answeredAt: number;
};

/** Asks a server. @throws {BrokenLinkError} when it does not answer, too slowly, too much, or with a redirect. */
export type Ask = (url: string, init?: RequestInit) => Promise<Answer>;

/**
 * `fetch` for servers that may be broken: each answer in bounded time and size, and no redirect followed. A client that
 * followed one would take another server's word for this one's, and would carry its access token there.
 */
export function createCautiousFetch({ timeout = TIMEOUT }: { timeout?: number } = {}): typeof fetch {
  return async function cautiousFetch(input, init) {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const signals = [AbortSignal.timeout(timeout), ...(init?.signal ? [init.signal] : [])];
    const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) }).catch(
      (cause) => {
        throw unanswered(href, cause);
      },
    );
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new BrokenLinkError(
        `${href} redirects (${response.status}) to ${sanitize(response.headers.get('location') ?? 'nowhere')}`,
        'Answer there without a redirect: clients follow none. Where a proxy adds or takes a slash, or moves http to https, let it pass this address on; or have clients use the other.',
      );
    }
    return limited(response, href);
  };
}

/** Creates the way to ask a server and read its whole answer. */
export function createAsk(fetch: typeof globalThis.fetch, now: () => number): Ask {
  return async function ask(url, init) {
    const askedAt = now();
    const response = await fetch(url, init);
    const answeredAt = now();
    const { status, headers } = response;
    // a stream of events may have no end
    const endless = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (endless) await response.body?.cancel();
    const text = endless
      ? ''
      : await response.text().catch((cause) => {
          throw cause instanceof BrokenLinkError ? cause : unanswered(url, cause);
        });
    return { url, status, headers, text, askedAt, answeredAt };
  };
}

function limited(response: Response, url: string): Response {
  const { status, statusText, headers, body } = response;
  if (body === null) return response;
  let bytes = 0;
  const limit = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes <= LARGEST) controller.enqueue(chunk);
      else
        controller.error(new BrokenLinkError(`${url} answers more than ${LARGEST} bytes`, 'Let it answer with less.'));
    },
  });
  return new Response(body.pipeThrough(limit), { status, statusText, headers });
}
