import type { Client } from 'oidc-provider';
import { AUTHORIZATION_CODE } from '../../shared/oauth-client/grant-types.ts';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { InvalidScopeError, InvalidTargetError } from '../oauth-error.ts';

/** A resource for which auth issues access tokens, and the scopes that exist there. */
export type ResourceServer = { readonly resource: string; readonly scopes: readonly Scope[] };

/** The resources for which auth issues access tokens: the todo API, the MCP server, and others. */
export type ResourceServers = readonly [api: ResourceServer, mcp: ResourceServer, ...others: ResourceServer[]];

/** How a request names its resource server. A list is a parameter that the request has several times. */
type RequestedResource = {
  readonly resource?: string | readonly string[] | undefined;
  readonly audience?: string | readonly string[] | undefined;
};

/**
 * Returns the resource server that a request names in `resource` (RFC 8707 §2). The identifier of a resource is also accepted
 * in `audience` (RFC 8693 §2.1), which many clients send instead. Without both it is the default resource server.
 * @throws {InvalidTargetError} when the request names no resource that the client may use, or more than one.
 */
export function getRequestedResourceServer(
  resourceServers: ResourceServers,
  { resource = [], audience = [] }: RequestedResource,
  client: Client,
): ResourceServer {
  const [first = defaultResource(resourceServers, client), ...others] = [resource, audience].flat();
  const found = getResourceServer(resourceServers, first, client);
  if (others.some((other) => getResourceServer(resourceServers, other, client) !== found))
    throw new InvalidTargetError('resource, audience: expected one resource');
  return found;
}

/**
 * The resource of a request that names none. An assistant that connects through a person is an MCP client, and a program is
 * one of the todo API.
 */
function defaultResource(resourceServers: ResourceServers, client: Client): string {
  const [api, mcp] = resourceServers;
  return client.grantTypeAllowed(AUTHORIZATION_CODE) ? mcp.resource : api.resource;
}

/**
 * Normalizes a resource identifier: scheme and host are case-insensitive (RFC 3986 §6.2.2.1), and some clients add a slash
 * to an identifier.
 */
export function normalizeResource(indicator: string): string {
  const normalized = indicator.replace(/^[^:/?#]+:\/\/[^/?#]*/, (origin) => origin.toLowerCase());
  return normalized.endsWith('/') ? normalized.slice(0, -1) : normalized;
}

/** Returns the resource server with this identifier, with or without a trailing slash. */
function getResourceServer(resourceServers: ResourceServers, indicator: string, client: Client): ResourceServer {
  const normalized = normalizeResource(indicator);
  const found = resourceServers.find(({ resource }) => normalized === resource);
  if (found === undefined || !toList(client.resources).includes(found.resource)) {
    throw new InvalidTargetError('resource (or audience): expected a resource identifier that this client may use');
  }
  return found;
}

/** Returns the scopes that a client may have at a resource server. */
export function allowedScopes(client: Client, { scopes }: ResourceServer): Scope[] {
  const clientScopes = new Set(toList(client.allowed_scopes));
  return scopes.filter((scope) => clientScopes.has(scope));
}

/**
 * Returns the scopes to grant: all allowed scopes when the request names none, otherwise those that it names. A request
 * for a scope that is not allowed or does not exist is rejected as a whole; no scope is dropped silently (RFC 6749
 * §3.3, §5.2).
 * @throws {InvalidScopeError}
 */
export function grantScopes(
  requested: string | undefined,
  allowed: readonly Scope[],
  resource: string,
): readonly Scope[] {
  if (allowed.length === 0) throw new InvalidScopeError(`this client may have no scope at ${resource}`, '');
  const names = new Set((requested ?? '').split(' ').filter(Boolean));
  if (names.size === 0) return allowed;
  const granted = allowed.filter((scope) => names.delete(scope));
  const [rejected] = names;
  if (rejected !== undefined) {
    throw new InvalidScopeError(`scope: expected some of ${allowed.join(', ')} at ${resource}`, rejected);
  }
  return granted;
}

/**
 * Returns the scopes that a person is asked to allow: those of `requested` that the client may have, or all of them when it
 * names none. Others are dropped (RFC 6749 §3.3): hosts ask for `openid` or `offline_access` as a habit, and the response
 * names the granted scopes.
 * @throws {InvalidScopeError} when the client may have none.
 */
export function offeredScopes(
  requested: string | undefined,
  allowed: readonly Scope[],
  resource: string,
): readonly Scope[] {
  if (allowed.length === 0) throw new InvalidScopeError(`this client may have no scope at ${resource}`, '');
  const names = new Set((requested ?? '').split(' '));
  const known = allowed.filter((scope) => names.has(scope));
  return known.length > 0 ? known : allowed;
}

/** Every scope. oidc-provider restricts a client only in the scopes that its configuration lists. */
export const ALL_SCOPES = Object.keys(SCOPES);

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
