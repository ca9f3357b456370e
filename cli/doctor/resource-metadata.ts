import * as z from 'zod';
import { sanitize } from '../sanitize.ts';
import type { FetchText } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { describeDifference } from './describe-difference.ts';
import { fetchDocument } from './documents.ts';

/** The members of the protected resource metadata that a client needs (RFC 9728 §2). */
export type ResourceMetadata = {
  /** The URL of the metadata. */
  readonly url: string;
  /** The resource identifier, for which a client requests access tokens. */
  readonly resource: string;
  readonly authorizationServer: string;
};

const Metadata = z.object({
  resource: z.string('a string'),
  authorization_servers: z.array(z.url('a URL'), 'a list of URLs').optional(),
});

type Options = { fetchText: FetchText; secureUrl: z.ZodType<string> };

/**
 * Fetches the protected resource metadata at `url` and checks that they describe the resource at `resourceUrl`.
 * @param options.secureUrl the zod schema that a URL must match before a secret is sent to it.
 */
export async function checkResourceMetadata(
  url: string,
  resourceUrl: string,
  { fetchText, secureUrl }: Options,
): Promise<Finding<ResourceMetadata>> {
  if (!secureUrl.safeParse(new URL(url).origin).success)
    throw new BrokenLinkError(
      `the URL of the metadata is ${sanitize(url)}, which is neither https nor on this machine`,
      'Serve the metadata over https. An attacker who changes them on the way can direct the client, with its secret, to another server.',
    );
  const { resource, authorization_servers } = await fetchDocument(fetchText, url, {
    schema: Metadata,
    remedy:
      'Serve the protected resource metadata at this URL (RFC 9728 §3). A proxy in front must forward /.well-known/oauth-protected-resource.',
  });
  if (resource !== resourceUrl && resource !== withoutQuery(resourceUrl))
    throw new BrokenLinkError(
      `${sanitize(url)} describes the resource ${sanitize(resource)}, not ${sanitize(resourceUrl)}${describeDifference(resource, resourceUrl)}`,
      `The two must be exactly equal (RFC 9728 §3.3). Give clients the URL ${sanitize(resource)}, or make ${sanitize(withoutQuery(resourceUrl))} the resource identifier of the server (MCP_RESOURCE, API_RESOURCE).`,
    );
  const authorizationServer = requireAuthorizationServer(url, authorization_servers ?? [], secureUrl);
  const value = { url, resource, authorizationServer };
  const detail = `${sanitize(url)} names the authorization server ${sanitize(authorizationServer)}`;
  if (resource === resourceUrl) return { value, detail };
  const warning = `The resource identifier is ${sanitize(resource)}, without the query. Clients that compare it exactly (RFC 9728 §3.3) work only with that URL.`;
  return { value, detail, warning };
}

function requireAuthorizationServer(url: string, issuers: readonly string[], secureUrl: z.ZodType<string>): string {
  const insecure = issuers.find((issuer) => !secureUrl.safeParse(issuer).success);
  if (insecure !== undefined)
    throw new BrokenLinkError(
      `${sanitize(url)} names the authorization server ${sanitize(insecure)}, which is neither https nor on this machine`,
      'Serve the authorization server over https and set AUTH_ISSUER to that URL. Over http, everyone on the network path can read secrets and access tokens.',
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

/**
 * Checks the metadata at the well-known URL of RFC 9728 §3.1, which a client uses when it got no challenge.
 * @param announced the metadata that the challenge names.
 */
export async function checkWellKnownMetadata(
  url: string,
  announced: ResourceMetadata | undefined,
  resource: string,
  options: Options,
): Promise<Finding<ResourceMetadata>> {
  const finding = await checkResourceMetadata(url, resource, options);
  const { value } = finding;
  if (announced !== undefined && announced.authorizationServer !== value.authorizationServer)
    throw new BrokenLinkError(
      `${sanitize(url)} names the authorization server ${sanitize(value.authorizationServer)}, but the metadata at the URL in the challenge has ${sanitize(announced.authorizationServer)}`,
      'Serve the same document at both URLs.',
    );
  return finding;
}

/** Checks the metadata at the root of the host, where old clients look. A problem concerns only them, so it is a warning. */
export async function checkRootMetadata(resource: string, fetchText: FetchText): Promise<Finding> {
  const url = rootMetadataUrl(resource);
  const warning = 'Old clients look for the metadata only at the root of the host. Serve the document there too.';
  try {
    const document = await fetchDocument(fetchText, url, { schema: Metadata, remedy: warning });
    if (document.resource === withoutQuery(resource))
      return { value: undefined, detail: `${sanitize(url)} serves the metadata too` };
    return {
      value: undefined,
      detail: `${sanitize(url)} describes the resource ${sanitize(document.resource)}`,
      warning,
    };
  } catch (error) {
    if (error instanceof BrokenLinkError) return { value: undefined, detail: error.message, warning };
    throw error;
  }
}

/** The URL of the metadata at the root of the host of a resource. */
export function rootMetadataUrl(resource: string): string {
  return new URL('/.well-known/oauth-protected-resource', resource).href;
}
