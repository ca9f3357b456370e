import * as z from 'zod';
import { findJson } from '../../shared/find-json.ts';
import { sanitize } from '../sanitize.ts';
import { AuthorizationServerMetadata, metadataUrls } from './authorization-server.ts';
import type { FetchText, TextResponse } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding, SkippedLinkError } from './chain.ts';
import { parseDocument } from './documents.ts';
import { rootMetadataUrl } from './resource-metadata.ts';
import { INITIALIZE, todosUrl } from './resource-requests.ts';

/** A protected resource, and its response to a request without an access token. */
type ProtectedResource = { readonly kind: 'MCP endpoint' | 'API'; readonly response: TextResponse };

/** What is at a URL. */
export type Resource = ProtectedResource | { readonly kind: 'authorization server'; readonly issuer: string };

/**
 * Finds out with requests without an access token what is at `url`.
 * @param options.secureUrl the schema of a URL that may receive an access token.
 */
export async function identifyResource(
  url: string,
  { fetchText, secureUrl }: { fetchText: FetchText; secureUrl: z.ZodType<string> },
): Promise<Finding<Resource>> {
  if (!secureUrl.safeParse(new URL(url).origin).success)
    throw new BrokenLinkError(
      'the URL is http and not on this machine, so access tokens would cross the network unencrypted',
      'Serve the resource over https. To examine it over http anyway, set ALLOW_INSECURE_HTTP=true.',
    );
  const posted = await fetchText(url, INITIALIZE);
  if (posted.status === 401) return found({ kind: hasProblem(posted) ? 'API' : 'MCP endpoint', response: posted });
  if (isMcp(posted)) return found({ kind: 'MCP endpoint', response: posted });
  const listed = await fetchText(todosUrl(url));
  if (listed.status === 401 || isTodos(listed)) return found({ kind: 'API', response: listed });
  const issuer = await findIssuer(url, fetchText);
  if (issuer !== undefined)
    return {
      ...found({ kind: 'authorization server', issuer }),
      warning:
        'To check the remaining links, examine an MCP endpoint or an API for which this server issues access tokens.',
    };
  throw new BrokenLinkError(
    `the URL is neither an MCP endpoint, nor an API, nor an authorization server: POST answers ${posted.status}, GET ${sanitize(todosUrl(url))} answers ${listed.status}`,
    `${await suggestUrl(url, fetchText)} A server that checks the Host header answers 403 or 421 when it is called by an unknown name.`,
  );
}

/** Returns the resource if it is protected by access tokens. @throws {SkippedLinkError} for an authorization server. */
export function requireProtected(resource: Resource): ProtectedResource {
  if (resource.kind !== 'authorization server') return resource;
  throw new SkippedLinkError('not checked: an authorization server is not a protected resource');
}

function found(resource: Resource): Finding<Resource> {
  return { value: resource, detail: `an ${resource.kind}` };
}

/** Whether the response is an MCP response: a JSON-RPC message, or an event stream of them. */
function isMcp({ status, headers, text }: TextResponse): boolean {
  if (headers.get('content-type')?.startsWith('text/event-stream')) return true;
  return status === 200 && z.object({ jsonrpc: z.literal('2.0') }).safeParse(findJson(text)).success;
}

/** Whether the response describes its error as an API does (RFC 9457); MCP does not. */
function hasProblem({ headers }: TextResponse): boolean {
  return headers.get('content-type')?.startsWith('application/problem+json') ?? false;
}

function isTodos({ status, text }: TextResponse): boolean {
  return status === 200 && findJson(text) !== undefined;
}

async function findIssuer(url: string, fetchText: FetchText): Promise<string | undefined> {
  const issuer = url.replace(/\/$/, '');
  for (const candidate of metadataUrls(issuer)) {
    const response = await fetchText(candidate);
    if (response.status !== 200) continue;
    const metadata = AuthorizationServerMetadata.safeParse(findJson(response.text));
    if (metadata.data?.issuer === issuer) return issuer;
  }
  return undefined;
}

/** The most frequent mistake is a URL without its path. */
async function suggestUrl(url: string, fetchText: FetchText): Promise<string> {
  const schema = z.object({ resource: z.url() });
  try {
    const { resource } = parseDocument(await fetchText(rootMetadataUrl(url)), { schema, remedy: '' });
    if (resource !== url) return `The metadata at the root of this host name ${sanitize(resource)}: examine that URL.`;
  } catch {
    // without readable metadata at the root there is no better suggestion
  }
  return 'Use the whole URL with its path, such as http://localhost:3002/mcp or http://localhost:3001/api/v1.';
}
