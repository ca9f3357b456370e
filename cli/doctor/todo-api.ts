import type { Ask } from './cautious-fetch.ts';
import type { Finding } from './chain.ts';
import { parseJson } from './document.ts';
import { BrokenLinkError } from './failure.ts';
import { refusedUse } from './refused-use.ts';

/** Where the todos of an API are. */
export function todosUrl(api: string): string {
  const url = new URL(api);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/todos`;
  return url.href;
}

/** Reads the todos, as a client of the API does. */
export async function listTodos(api: string, accessToken: string, ask: Ask): Promise<Finding> {
  const url = todosUrl(api);
  const { status, text } = await ask(url, { headers: { authorization: `Bearer ${accessToken}` } });
  if (status !== 200) throw refusedUse(`GET ${url}`, status);
  if (parseJson(text) === undefined)
    throw new BrokenLinkError(
      `GET ${url} answers with something else than JSON`,
      'Look at what stands before the API.',
    );
  return { found: undefined, detail: `GET ${url} answers with todos` };
}
