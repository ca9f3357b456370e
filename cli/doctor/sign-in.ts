import type { AuthorizationServer } from './authorization-server.ts';
import type { Finding } from './chain.ts';

/**
 * Checks whether a host can let a person in by the URL alone: the authorization code flow with PKCE (MCP 2025-11-25,
 * Authorization), and a way for a host that the server does not know to become its client. Without them only programs can
 * connect, so it is a warning.
 */
export function checkSignIn({ metadata }: AuthorizationServer): Finding {
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
  ];
  if (missing.length === 0)
    return { value: undefined, detail: `a person can sign in; hosts become clients by ${registration.join(' or ')}` };
  return {
    value: undefined,
    detail: `a person cannot sign in by this URL alone: the authorization server metadata lack ${missing.join('; ')}`,
    warning:
      'Connect with the credentials of a client: over stdio, by the client credentials extension, or with an access token (yata token --headers).',
  };
}
