import type { AuthorizationServer } from './authorization-server.ts';
import type { Finding } from './chain.ts';

/**
 * Checks whether a host that knows only the URL can ask a person for access: with the authorization code flow and PKCE (MCP
 * 2025-11-25, Authorization), and with client registration or a client ID metadata document. Without them only programs can
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
    detail: `hosts cannot ask a person for access: the authorization server metadata lack ${missing.join('; ')}`,
    warning:
      'Connect with the credentials of a client: over stdio, by the client credentials extension, or with an access token (yata token --headers).',
  };
}
