import type { Client } from 'oidc-provider';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { InvalidScopeError, InvalidTargetError } from '../oauth-error.ts';

/** A resource for which auth issues access tokens, and the scopes that exist there. */
export type ResourceServer = { readonly resource: string; readonly scopes: readonly Scope[] };

/** The resources for which auth issues access tokens. The first is the default for a request that names none. */
export type ResourceServers = readonly [ResourceServer, ...ResourceServer[]];

/**
 * Returns the resource server that a request names in `resource`, with or without a trailing slash (RFC 8707 §2).
 * @throws {InvalidTargetError} when there is no such resource, or the client may not use it.
 */
export function getResourceServer(resourceServers: ResourceServers, indicator: string, client: Client): ResourceServer {
  // scheme and host are case-insensitive (RFC 3986 §6.2.2.1), and some clients send them in upper case
  const normalized = indicator.replace(/^[^:/?#]+:\/\/[^/?#]*/, (origin) => origin.toLowerCase());
  const found = resourceServers.find(({ resource }) => normalized === resource || normalized === `${resource}/`);
  if (found === undefined || !toList(client.resources).includes(found.resource)) {
    throw new InvalidTargetError('resource: expected a resource identifier that this client may use');
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
    throw new InvalidScopeError(`scope: expected some of "${allowed.join(' ')}" at ${resource}`, rejected);
  }
  return granted;
}

/** Every scope. oidc-provider restricts a client only in the scopes that its configuration lists. */
export const ALL_SCOPES = Object.keys(SCOPES);

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
