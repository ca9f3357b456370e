import { sanitize } from '../sanitize.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import type { FetchText } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';

/**
 * Checks whether a host that knows only the URL can ask a person for access (MCP 2025-11-25, Authorization): by the
 * authorization code flow with PKCE, as a public client, with `iss` in the response (RFC 9207), and with client registration or
 * a client ID metadata document. Without them only programs can connect, so it is a warning.
 */
export async function checkSignIn({ metadata }: AuthorizationServer, fetchText: FetchText): Promise<Finding> {
  const registration = [
    ...(metadata.client_id_metadata_document_supported === true ? ['client id metadata documents'] : []),
    ...(metadata.registration_endpoint === undefined ? [] : ['registration_endpoint']),
  ];
  const missing = [
    // the default of RFC 8414 §2 has this grant
    ...(metadata.grant_types_supported?.includes('authorization_code') === false
      ? ['authorization_code in grant_types_supported']
      : []),
    ...(metadata.response_types_supported?.includes('code') ? [] : ['code in response_types_supported']),
    ...(metadata.authorization_endpoint === undefined ? ['authorization_endpoint'] : []),
    ...(metadata.code_challenge_methods_supported?.includes('S256')
      ? []
      : ['S256 in code_challenge_methods_supported']),
    ...(registration.length > 0
      ? []
      : ['registration_endpoint or client_id_metadata_document_supported, by which a host becomes a client']),
    // hosts hold no secret
    ...(metadata.token_endpoint_auth_methods_supported?.includes('none')
      ? []
      : ['none in token_endpoint_auth_methods_supported']),
    ...(metadata.authorization_response_iss_parameter_supported === true
      ? []
      : ['authorization_response_iss_parameter_supported, without which some hosts refuse']),
  ];
  if (missing.length > 0)
    return {
      value: undefined,
      detail: `hosts cannot ask a person for access: the authorization server metadata lack ${missing.join('; ')}`,
      warning:
        'Connect with the credentials of a client: over stdio, by the client credentials extension, or with an access token (yata token --headers).',
    };
  const problems = [
    ...(await findEndpointProblems(metadata, fetchText)),
    ...['admin', 'offline_access', 'openid']
      .filter((scope) => metadata.scopes_supported?.includes(scope))
      .map((scope) => `scopes_supported has ${scope}, and hosts ask for every scope that it lists`),
  ];
  if (problems.length > 0)
    return {
      value: undefined,
      detail: problems.join('; '),
      warning:
        'Let a proxy in front forward every path that begins with /oauth, /interaction, /sign-in, /sign-out, /welcome, /account or /assets. Use https, except on localhost.',
    };
  return { value: undefined, detail: `a person can sign in; hosts become clients by ${registration.join(' or ')}` };
}

/** Sends the endpoints a request without parameters, which they reject. It registers nothing. */
async function findEndpointProblems(
  { authorization_endpoint, registration_endpoint }: AuthorizationServer['metadata'],
  fetchText: FetchText,
): Promise<string[]> {
  const register = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  const requests: readonly (readonly [string, string | undefined, RequestInit])[] = [
    ['authorization_endpoint', authorization_endpoint, { headers: { accept: 'text/html' } }],
    ['registration_endpoint', registration_endpoint, register],
  ];
  const problems: string[] = [];
  for (const [name, url, init] of requests) {
    if (url === undefined) continue;
    if (!URL.canParse(url) || !isSecure(new URL(url))) {
      problems.push(`the ${name} is not an https URL: ${sanitize(url)}`);
      continue;
    }
    try {
      const { status } = await fetchText(url, init);
      if (status === 404 || status === 405 || status >= 500) problems.push(`the ${name} answers ${status}`);
    } catch (error) {
      if (!(error instanceof BrokenLinkError)) throw error;
      problems.push(`the ${name} cannot be used: ${error.message}`);
    }
  }
  return problems;
}

function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
