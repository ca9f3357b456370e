import * as z from 'zod';
import { AuthorizationServerMetadata, metadataUrls } from './authorization-server.ts';
import type { Answer, Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding, LinkNotTriedError } from './chain.ts';
import { parseDocument, parseJson } from './documents.ts';
import { rootMetadataUrl } from './resource-metadata.ts';
import { INITIALIZE, todosUrl } from './resource-requests.ts';
import { sanitize } from './sanitize.ts';

/** A resource, and what it answered to a request without an access token. */
type GuardedResource = { readonly kind: 'MCP endpoint' | 'API'; readonly answer: Answer };

/** What is at the URL. */
export type Resource = GuardedResource | { readonly kind: 'authorization server'; readonly issuer: string };

/** Finds out what is at `url`, as somebody without an access token. @param secure the schema of an address that an access token may go to. */
export async function findResource(
  url: string,
  { ask, secure }: { ask: Ask; secure: z.ZodType<string> },
): Promise<Finding<Resource>> {
  if (!secure.safeParse(new URL(url).origin).success)
    throw new BrokenLinkError(
      'access tokens would go over the network in the clear: http, and not on this machine',
      'Serve it over https. To examine it all the same, set ALLOW_INSECURE_HTTP=true.',
    );
  const posted = await ask(url, INITIALIZE);
  if (posted.status === 401) return found({ kind: hasProblem(posted) ? 'API' : 'MCP endpoint', answer: posted });
  if (isMcp(posted)) return found({ kind: 'MCP endpoint', answer: posted });
  const listed = await ask(todosUrl(url));
  if (listed.status === 401 || isTodos(listed)) return found({ kind: 'API', answer: listed });
  const issuer = await findIssuer(url, ask);
  if (issuer !== undefined)
    return {
      ...found({ kind: 'authorization server', issuer }),
      warning: 'For the rest, examine a resource that it issues access tokens for: an MCP endpoint, or an API.',
    };
  throw new BrokenLinkError(
    `neither an MCP endpoint, nor an API, nor an authorization server: POST answers ${posted.status}, GET ${sanitize(todosUrl(url))} ${listed.status}`,
    `${await whereElse(url, ask)} A server that checks the Host header answers 403 or 421 to any name but its own.`,
  );
}

/** A resource that wants an access token. @throws {LinkNotTriedError} when it is something else. */
export function requireGuarded(resource: Resource): GuardedResource {
  if (resource.kind !== 'authorization server') return resource;
  throw new LinkNotTriedError('an authorization server is no resource');
}

function found(resource: Resource): Finding<Resource> {
  return { found: resource, detail: `an ${resource.kind}` };
}

/** Whether it answers as MCP: with a JSON-RPC message, or with a stream of them. */
function isMcp({ status, headers, text }: Answer): boolean {
  if (headers.get('content-type')?.startsWith('text/event-stream')) return true;
  return status === 200 && z.object({ jsonrpc: z.literal('2.0') }).safeParse(parseJson(text)).success;
}

/** Whether it says what is wrong as an API does (RFC 9457), and not as MCP does. */
function hasProblem({ headers }: Answer): boolean {
  return headers.get('content-type')?.startsWith('application/problem+json') ?? false;
}

function isTodos({ status, text }: Answer): boolean {
  return status === 200 && parseJson(text) !== undefined;
}

async function findIssuer(url: string, ask: Ask): Promise<string | undefined> {
  const issuer = url.replace(/\/$/, '');
  for (const candidate of metadataUrls(issuer)) {
    const answer = await ask(candidate);
    if (answer.status !== 200) continue;
    const metadata = AuthorizationServerMetadata.safeParse(parseJson(answer.text));
    if (metadata.data?.issuer === issuer) return issuer;
  }
  return undefined;
}

/** A URL without its path is what is given most often by mistake. */
async function whereElse(url: string, ask: Ask): Promise<string> {
  const schema = z.object({ resource: z.url() });
  try {
    const { resource } = parseDocument(await ask(rootMetadataUrl(url)), { schema, remedy: '' });
    if (resource !== url) return `The metadata at its root names ${sanitize(resource)}: examine that.`;
  } catch {
    // there is none, or none that can be read
  }
  return 'Give the whole URL, with its path: http://localhost:3002/mcp, or http://localhost:3001/api/v1.';
}
