import type { Client } from 'oidc-provider';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { InvalidScopeError, InvalidTargetError } from '../oauth-error.ts';

/** A resource for which auth issues access tokens, and the scopes that exist there. */
export type ResourceServer = { readonly resource: string; readonly scopes: readonly Scope[] };

/** The resources for which auth issues access tokens. The first is the default for a request that names none. */
export type ResourceServers = readonly [ResourceServer, ...ResourceServer[]];

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
  const [first = resourceServers[0].resource, ...others] = [resource, audience].flat();
  const found = getResourceServer(resourceServers, first, client);
  if (others.some((other) => getResourceServer(resourceServers, other, client) !== found))
    throw new InvalidTargetError('resource, audience: expected one resource');
  return found;
}

/** Returns the resource server with this identifier, with or without a trailing slash. */
function getResourceServer(resourceServers: ResourceServers, indicator: string, client: Client): ResourceServer {
  // scheme and host are case-insensitive (RFC 3986 §6.2.2.1), and some clients send them in upper case
  const normalized = indicator.replace(/^[^:/?#]+:\/\/[^/?#]*/, (origin) => origin.toLowerCase());
  const found = resourceServers.find(({ resource }) => normalized === resource || normalized === `${resource}/`);
  if (found === undefined || !toList(client.resources).includes(found.resource)) {
    throw new InvalidTargetError('resource (or audience): expected a resource identifier that this client may use');
  }
  return found;
}

/** Returns the scopes that a client may have at a resource server. */
export function allowedScopes(client: Client, { scopes }: ResourceServer): Scope[] {
  const clientScopes = new Set(client.scope?.split(' '));
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

/** Every scope. oidc-provider restricts a client only in the scopes that its configuration lists. */
export const ALL_SCOPES = Object.keys(SCOPES);

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
