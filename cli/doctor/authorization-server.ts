import * as z from 'zod';
import { sanitize } from '../sanitize.ts';
import type { FetchText, TextResponse } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { describeDifference } from './describe-difference.ts';
import { parseDocument } from './documents.ts';

const names = z.array(z.string('a string'), 'a list of strings').optional();

/** The members of the authorization server metadata that a client reads (RFC 8414 §2). */
export const AuthorizationServerMetadata = z.object({
  issuer: z.string('a string'),
  token_endpoint: z.string('a string').optional(),
  jwks_uri: z.string('a string').optional(),
  grant_types_supported: names,
  code_challenge_methods_supported: names,
  token_endpoint_auth_methods_supported: names,
  status_list_aggregation_endpoint: z.string('a string').optional(),
  authorization_endpoint: z.string('a string').optional(),
  response_types_supported: names,
  registration_endpoint: z.string('a string').optional(),
  client_id_metadata_document_supported: z.unknown().optional(),
  authorization_response_iss_parameter_supported: z.unknown().optional(),
  scopes_supported: names,
});

/** An authorization server, as its metadata describe it. */
export type AuthorizationServer = {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly authenticationMethods: readonly string[];
  readonly metadata: z.infer<typeof AuthorizationServerMetadata>;
  /** The response with the metadata. */
  readonly response: TextResponse;
};

/** Fetches and checks the metadata of `issuer`. @param secureUrl the zod schema that a URL must match before a secret is sent to it. */
export async function checkAuthorizationServer(
  issuer: string,
  { fetchText, secureUrl }: { fetchText: FetchText; secureUrl: z.ZodType<string> },
): Promise<Finding<AuthorizationServer>> {
  const response = await findMetadata(issuer, fetchText);
  const { url } = response;
  const metadata = parseDocument(response, {
    schema: AuthorizationServerMetadata,
    remedy: 'Serve the authorization server metadata at this URL (RFC 8414 §3).',
  });
  if (metadata.issuer !== issuer)
    throw new BrokenLinkError(
      `${sanitize(url)} has the issuer ${sanitize(metadata.issuer)}, not ${sanitize(issuer)}${describeDifference(metadata.issuer, issuer)}`,
      'Use exactly the same issuer in both metadata documents (RFC 8414 §3.3). In yata, give every service the same AUTH_ISSUER.',
    );
  const tokenEndpoint = requireSecureUrl('token_endpoint', metadata.token_endpoint, secureUrl);
  const jwksUri = requireSecureUrl('jwks_uri', metadata.jwks_uri, secureUrl);
  // the default of RFC 8414 §2
  const authenticationMethods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const challengeMethods = metadata.code_challenge_methods_supported ?? [];
  const value = { issuer, tokenEndpoint, jwksUri, authenticationMethods, metadata, response };
  const detail = [
    sanitize(url),
    sanitize(`client authentication: ${authenticationMethods.join(', ')}`),
    sanitize(`PKCE: ${challengeMethods.join(', ') || 'none'}`),
    `status lists: ${metadata.status_list_aggregation_endpoint === undefined ? 'no' : 'yes'}`,
  ].join('; ');
  return { value, detail };
}

/** The URLs at which clients look for the metadata of an issuer, in order (RFC 8414 §3.1, §5). */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map(
    (name) => `${origin}/.well-known/${name}${path}`,
  );
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`];
}

async function findMetadata(issuer: string, fetchText: FetchText): Promise<TextResponse> {
  const responses: TextResponse[] = [];
  for (const url of metadataUrls(issuer)) {
    const response = await fetchText(url, { headers: { accept: 'application/json' } });
    if (response.status < 400 || response.status >= 500) return response;
    responses.push(response);
  }
  throw new BrokenLinkError(
    responses.map(({ url, status }) => `${sanitize(url)} answers ${status}`).join(', '),
    'Serve the authorization server metadata at the first of these URLs (RFC 8414 §3). A proxy in front must forward it.',
  );
}

function requireSecureUrl(name: string, url: string | undefined, secureUrl: z.ZodType<string>): string {
  if (url === undefined || !URL.canParse(url))
    throw new BrokenLinkError(
      url === undefined
        ? `the authorization server metadata have no ${name}`
        : `the ${name} of the authorization server metadata is not a URL`,
      `Put ${name} into the authorization server metadata.`,
    );
  if (!secureUrl.safeParse(new URL(url).origin).success)
    throw new BrokenLinkError(
      `${name} is ${sanitize(url)}, which is neither https nor on this machine`,
      `Serve ${name} over https. In yata, its address follows from AUTH_ISSUER, behind a proxy too.`,
    );
  return url;
}
