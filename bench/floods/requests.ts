import { basicAuthorization } from '../../test/support/post-as-client.ts';
import type { FloodTarget } from './flood.ts';
import type { HttpRequest } from './send.ts';

/** The Authorization header of RFC 6750 §2.1. */
export function bearer(accessToken: string): { authorization: string } {
  return { authorization: `Bearer ${accessToken}` };
}

/** A token request with client_secret_basic: client credentials (RFC 6749 §4.4.2), unless `parameters` name another grant. */
export function tokenRequest(
  issuer: string,
  client: FloodTarget['client'],
  parameters: Record<string, string> = {},
): HttpRequest {
  return formRequest(`${issuer}/oauth/token`, client, { grant_type: 'client_credentials', ...parameters });
}

/** A revocation request (RFC 7009 §2.1). */
export function revocationRequest(issuer: string, client: FloodTarget['client'], token: string): HttpRequest {
  return formRequest(`${issuer}/oauth/revoke`, client, { token });
}

function formRequest(url: string, client: FloodTarget['client'], parameters: Record<string, string>): HttpRequest {
  return {
    url,
    method: 'POST',
    headers: { authorization: basicAuthorization(client), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(parameters).toString(),
  };
}

/** A request to api with a body of JSON, or of another type that `headers` name. */
export function apiRequest(url: string, accessToken: string, body: string, headers = {}): HttpRequest {
  return {
    url,
    method: 'POST',
    headers: { ...bearer(accessToken), 'content-type': 'application/json', ...headers },
    body,
  };
}

/** An import of todos in JSON Lines. */
export function importRequest(apiResource: string, accessToken: string, body: string): HttpRequest {
  return apiRequest(`${apiResource}/todos/import`, accessToken, body, { 'content-type': 'application/jsonl' });
}

/** A JSON-RPC message to an MCP endpoint. */
export function mcpRequest(mcpResource: string, accessToken: string, body: string): HttpRequest {
  return apiRequest(mcpResource, accessToken, body, { accept: 'application/json, text/event-stream' });
}

/** Returns members that no schema has, for a JSON object: `"k0":0,"k1":0`. */
export function unknownMembers(members: number): string {
  return Array.from({ length: members }, (_, index) => `"k${index}":0`).join(',');
}
