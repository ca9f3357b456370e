import type { Ask } from './cautious-fetch.ts';
import type { Finding } from './chain.ts';
import { BrokenLinkError } from './failure.ts';
import { sanitize } from './sanitize.ts';

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
