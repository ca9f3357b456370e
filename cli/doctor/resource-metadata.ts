import * as z from 'zod';
import type { Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { getDocument } from './documents.ts';
import { difference, sanitize } from './sanitize.ts';

/** What the protected resource metadata tell a client (RFC 9728 §2). */
export type ResourceMetadata = {
  /** Where they are. */
  readonly url: string;
  /** The resource identifier, which access tokens are asked for. */
  readonly resource: string;
  readonly authorizationServer: string;
};

const Metadata = z.object({
  resource: z.string('a string'),
  authorization_servers: z.array(z.url('a URL'), 'a list of URLs').optional(),
});

const SERVE_IT =
  'Serve the protected resource metadata there (RFC 9728 §3). A proxy in front has to pass /.well-known/oauth-protected-resource on.';

/**
 * Gets the protected resource metadata of the resource at `resourceUrl` from `url`.
 * @param secure the schema of an address that a secret may be sent to.
 */
export async function getResourceMetadata(
  url: string,
  resourceUrl: string,
  { ask, secure }: { ask: Ask; secure: z.ZodType<string> },
): Promise<Finding<ResourceMetadata>> {
  if (!secure.safeParse(new URL(url).origin).success)
    throw new BrokenLinkError(
      `the metadata are at ${sanitize(url)}: neither https nor this machine`,
      'Serve them over https: whoever changes them on the way sends the client with its secret elsewhere.',
    );
  const { document } = await getDocument(ask, url, { schema: Metadata, remedy: SERVE_IT });
  const { resource } = document;
  if (resource !== resourceUrl && resource !== withoutQuery(resourceUrl))
    throw new BrokenLinkError(
      `${sanitize(url)} is about ${sanitize(resource)}, not about ${sanitize(resourceUrl)}${difference(resource, resourceUrl)}`,
      `The two have to be the same to the letter (RFC 9728 §3.3). Have clients use ${sanitize(resource)}; or make ${sanitize(withoutQuery(resourceUrl))} the server's resource identifier (MCP_RESOURCE, API_RESOURCE).`,
    );
  const authorizationServer = requireAuthorizationServer(url, document.authorization_servers ?? [], secure);
  const found = { url, resource, authorizationServer };
  const detail = `${sanitize(url)} names ${sanitize(authorizationServer)}`;
  if (resource === resourceUrl) return { found, detail };
  const warning = `The resource is ${sanitize(resource)}, without the query: a client that compares to the letter (RFC 9728 §3.3) takes only that.`;
  return { found, detail, warning };
}

function requireAuthorizationServer(url: string, issuers: readonly string[], secure: z.ZodType<string>): string {
  const insecure = issuers.find((issuer) => !secure.safeParse(issuer).success);
  if (insecure !== undefined)
    throw new BrokenLinkError(
      `${sanitize(url)} names the authorization server ${sanitize(insecure)}: neither https nor this machine`,
      'Serve the authorization server over https and name it so (AUTH_ISSUER): over http everybody on the way reads secrets and access tokens.',
    );
  const [first] = issuers;
  if (first === undefined)
    throw new BrokenLinkError(
      `${sanitize(url)} names no authorization server`,
      'Put the issuer of the access tokens into authorization_servers (AUTH_ISSUER).',
    );
  return first;
}

function withoutQuery(url: string): string {
  return url.replace(/\?.*$/, '');
}

/** Examines the place where RFC 9728 §3.1 has the metadata, where a client without a challenge looks. */
export async function examineWellKnown(
  url: string,
  announced: ResourceMetadata | undefined,
  resource: string,
  options: { ask: Ask; secure: z.ZodType<string> },
): Promise<Finding<ResourceMetadata>> {
  const finding = await getResourceMetadata(url, resource, options);
  const { found } = finding;
  if (announced !== undefined && announced.authorizationServer !== found.authorizationServer)
    throw new BrokenLinkError(
      `${sanitize(url)} names ${sanitize(found.authorizationServer)}, and the document of the challenge ${sanitize(announced.authorizationServer)}`,
      'Serve the same document at both places.',
    );
  return finding;
}

/** Examines the root of the host, where old clients look. What is wrong there concerns only them. */
export async function examineRoot(resource: string, ask: Ask): Promise<Finding> {
  const url = rootMetadataUrl(resource);
  const warning =
    'Clients that look no further than the root of the host do not find it: serve the document there too.';
  try {
    const { document } = await getDocument(ask, url, { schema: Metadata, remedy: warning });
    if (document.resource === withoutQuery(resource))
      return { found: undefined, detail: `${sanitize(url)} has it too` };
    return { found: undefined, detail: `${sanitize(url)} is about ${sanitize(document.resource)}`, warning };
  } catch (error) {
    if (error instanceof BrokenLinkError) return { found: undefined, detail: error.message, warning };
    throw error;
  }
}

/** The root's place for the metadata of a resource. */
export function rootMetadataUrl(resource: string): string {
  return new URL('/.well-known/oauth-protected-resource', resource).href;
}
