import { BrokenLinkError } from './failure.ts';

/** A resource server does not do what it is asked with an access token that is good, as far as is seen from here. */
export function refusedUse(request: string, status: number): BrokenLinkError {
  const detail = `${request} answers ${status} to an access token that is good`;
  switch (status) {
    case 401:
      return new BrokenLinkError(
        detail,
        'Look at the log of the resource server: its issuer and its resource identifier (AUTH_ISSUER, MCP_RESOURCE, API_RESOURCE), its clock, and whether it reaches the keys and the status lists of the authorization server (AUTH_URL).',
      );
    case 403:
      return new BrokenLinkError(
        detail,
        'Let the client have the scope: yata clients set-scope ID "todos:read todos:write".',
      );
    case 404:
    case 405:
      return new BrokenLinkError(detail, 'The URL has to be the MCP endpoint or the API itself: correct its path.');
    default:
      return new BrokenLinkError(detail, 'Look at the log of the resource server.');
  }
}
