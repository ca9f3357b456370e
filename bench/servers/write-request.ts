import * as z from 'zod';
import type { LoadRequest } from '../load-request.ts';

const BODY = JSON.stringify({
  title: 'Buy milk and bread',
  description: 'What is to be done, in a sentence of some length',
  priority: 2,
  tags: ['bench', 'home'],
});

/** The names of owners. */
export function ownerNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `owner-${number}`);
}

/** Requests that create a todo, or change the title of one, with the access token of one owner after another. */
export async function writeRequest({
  port,
  kind,
  accessTokens,
}: {
  port: number;
  kind: 'create' | 'update';
  accessTokens: readonly string[];
}): Promise<LoadRequest> {
  const url = `http://127.0.0.1:${port}/api/v1/todos`;
  const headersOf = (accessToken: string) => ({
    authorization: `Bearer ${accessToken}`,
    'content-type': 'application/json',
  });
  const create = { url, method: 'POST', headers: headersOf(accessTokens[0] ?? ''), body: BODY } as const;
  const variants = await Promise.all(
    accessTokens.map(async (accessToken) => {
      const headers = headersOf(accessToken);
      if (kind === 'create') return { path: new URL(url).pathname, headers };
      const response = await fetch(url, { method: 'POST', headers, body: BODY });
      const { id } = z.object({ id: z.string() }).parse(await response.json());
      return { path: `${new URL(url).pathname}/${id}`, headers };
    }),
  );
  if (kind === 'create') return { ...create, variants };
  const [first] = variants;
  return {
    ...create,
    url: new URL(first?.path ?? '', url).href,
    method: 'PATCH',
    body: '{"title":"{random}"}',
    variants,
  };
}
