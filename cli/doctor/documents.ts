import type * as z from 'zod';
import type { Answer, Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { sanitize } from './sanitize.ts';

/**
 * Gets a JSON document that a client needs.
 * @param remedy what to do when it is not there.
 * @throws {BrokenLinkError} when it is not there, not JSON, or not what `schema` says.
 */
export async function getDocument<T>(
  ask: Ask,
  url: string,
  { schema, remedy }: { schema: z.ZodType<T>; remedy: string },
): Promise<{ document: T; answer: Answer }> {
  const answer = await ask(url, { headers: { accept: 'application/json' } });
  return { document: parseDocument(answer, { schema, remedy }), answer };
}

/** Reads a document out of an answer. @throws {BrokenLinkError} */
export function parseDocument<T>(
  { url, status, headers, text }: Answer,
  { schema, remedy }: { schema: z.ZodType<T>; remedy: string },
): T {
  if (status !== 200) throw new BrokenLinkError(`${url} answers ${status}`, remedy);
  const type = headers.get('content-type') ?? 'no type';
  if (!/^application\/([\w.-]+\+)?json *(;|$)/i.test(type))
    throw new BrokenLinkError(
      `${url} answers with ${sanitize(type)} instead of JSON`,
      'Serve it as Content-Type: application/json. A page of a web site that stands in front is no metadata.',
    );
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: expected ${message}`);
  throw new BrokenLinkError(
    `${url} is not what it should be: ${sanitize(problems.join('; '))}`,
    'Correct the document.',
  );
}

/** Reads JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Somebody's web application: metadata are for everybody. */
const ORIGIN = 'https://browser.example';

/** Examines whether a client in a browser may read the documents (CORS). */
export async function examineBrowserAccess(urls: readonly string[], ask: Ask): Promise<Finding> {
  const closed: string[] = [];
  for (const url of urls) {
    const { headers } = await ask(url, { headers: { origin: ORIGIN, accept: 'application/json' } });
    const allowed = headers.get('access-control-allow-origin');
    if (allowed !== '*' && allowed !== ORIGIN) closed.push(url);
  }
  if (closed.length > 0)
    throw new BrokenLinkError(
      `a client in a browser may not read ${closed.map(sanitize).join(' and ')}: no Access-Control-Allow-Origin`,
      'Send Access-Control-Allow-Origin: * with the metadata, which are public. Clients outside browsers do not need it.',
    );
  return { found: undefined, detail: 'a client in a browser may read the metadata' };
}
