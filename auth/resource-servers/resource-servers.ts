import type { Client } from 'oidc-provider';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { InvalidScopeError, InvalidTargetError } from '../grants/oauth-error.ts';

/** A resource that access tokens are issued for. */
export type ResourceServer = { readonly resource: string; readonly scopes: readonly Scope[] };

/** The resources that access tokens are issued for; the first is meant when a request names none. */
export type ResourceServers = readonly [ResourceServer, ...ResourceServer[]];

/**
 * The resource that a request means, with or without a trailing slash (RFC 8707 §2).
 * @throws {InvalidTargetError} when there is none, or it is not one that the client may use.
 */
export function getResourceServer(resourceServers: ResourceServers, indicator: string, client: Client): ResourceServer {
  // capitals in a scheme or a host say nothing (RFC 3986 §6.2.2.1), and some clients write them
  const meant = indicator.replace(/^[^:/?#]+:\/\/[^/?#]*/, (origin) => origin.toLowerCase());
  const found = resourceServers.find(({ resource }) => meant === resource || meant === `${resource}/`);
  if (found === undefined || !listOf(client.resources).includes(found.resource)) {
    throw new InvalidTargetError('resource: expected a resource identifier that this client may use');
  }
  return found;
}

/** The scopes that a client may have at a resource. */
export function allowedScopes(client: Client, { scopes }: ResourceServer): Scope[] {
  const mayHave = new Set(client.scope?.split(' '));
  return scopes.filter((scope) => mayHave.has(scope));
}

/**
 * The scopes that a request is granted. It names none: all that it may have. It names one that it may not have, or that
 * does not exist: nothing is dropped in silence, the whole request is refused (RFC 6749 §3.3, §5.2).
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
  const [refused] = names;
  if (refused !== undefined) {
    throw new InvalidScopeError(`scope: expected some of "${allowed.join(' ')}" at ${resource}`, refused);
  }
  return granted;
}

/** Every scope, for oidc-provider: it limits a client only in the scopes that it is told of. */
export const ALL_SCOPES = Object.keys(SCOPES);

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
