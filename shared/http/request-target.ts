import type { IncomingMessage } from 'node:http';

/**
 * Brings the target of a request (RFC 9112 §3.2) into origin form, in `request.url`. A client may send the whole URL, as to a
 * proxy. Routers read only the path, and some throw on what is not a URL.
 * @returns false when the target is malformed, so that the answer is 400.
 */
export function normalizeRequestTarget(request: IncomingMessage): boolean {
  const { url = '' } = request;
  // a fragment is never sent, and parsers of paths treat it in different ways
  if (url.includes('#')) return false;
  if (url.startsWith('/') || url === '*') return true;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return false;
  const { pathname, search } = new URL(url);
  request.url = pathname + search;
  return true;
}
