import type * as z from 'zod';
import { findJson } from '../../shared/find-json.ts';
import { sanitize } from '../sanitize.ts';
import type { FetchText, TextResponse } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';

/**
 * Fetches a JSON document that a client needs.
 * @param remedy what to do when it is not there.
 * @throws {BrokenLinkError} when it is missing, is not JSON, or does not match `schema`.
 */
export async function fetchDocument<T>(
  fetchText: FetchText,
  url: string,
  { schema, remedy }: { schema: z.ZodType<T>; remedy: string },
): Promise<T> {
  return parseDocument(await fetchText(url, { headers: { accept: 'application/json' } }), { schema, remedy });
}

/** Parses the JSON document in a response. @throws {BrokenLinkError} */
export function parseDocument<T>(
  { url, status, headers, text }: TextResponse,
  { schema, remedy }: { schema: z.ZodType<T>; remedy: string },
): T {
  if (status !== 200) throw new BrokenLinkError(`${sanitize(url)} answers ${status}`, remedy);
  const type = headers.get('content-type') ?? 'no Content-Type';
  if (!/^application\/([\w.-]+\+)?json *(;|$)/i.test(type))
    throw new BrokenLinkError(
      `${sanitize(url)} answers with ${sanitize(type)} instead of JSON`,
      'Serve the document with Content-Type: application/json. If this is the page of a web site in front of the server, let it forward the URL.',
    );
  const parsed = schema.safeParse(findJson(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the document'}: expected ${message}`,
  );
  throw new BrokenLinkError(
    `${sanitize(url)} is not a valid document: ${sanitize(problems.join('; '))}`,
    'Correct the document.',
  );
}

/** The origin of a web application that the servers do not know. Metadata are public, so it must be allowed to read them. */
const FOREIGN_ORIGIN = 'https://browser.example';

/** Checks that a client in a browser may read the documents (CORS). */
export async function checkBrowserAccess(urls: readonly string[], fetchText: FetchText): Promise<Finding> {
  const forbidden: string[] = [];
  for (const url of urls) {
    const { headers } = await fetchText(url, { headers: { origin: FOREIGN_ORIGIN, accept: 'application/json' } });
    const allowed = headers.get('access-control-allow-origin');
    if (allowed !== '*' && allowed !== FOREIGN_ORIGIN) forbidden.push(url);
  }
  if (forbidden.length > 0)
    throw new BrokenLinkError(
      `a client in a browser cannot read ${forbidden.map(sanitize).join(' and ')}: Access-Control-Allow-Origin is missing`,
      'Send Access-Control-Allow-Origin: * with the metadata, which are public. Clients outside browsers work without it.',
    );
  return { value: undefined, detail: 'a client in a browser can read the metadata' };
}
