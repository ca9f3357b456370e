/** A resource server in the terms of RFC 9728. */
export type ProtectedResource = {
  /** The resource identifier, which is the audience of its access tokens. */
  readonly resource: string;
  /** The issuer of its access tokens. */
  readonly authorizationServer: string;
  /** The scopes that a client can request for it; at least one. */
  readonly scopes: readonly string[];
  /** The name that a client may show to a person. */
  readonly name: string;
};

/** A protected resource metadata document, as it is sent. */
export type ProtectedResourceMetadata = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
};

const WELL_KNOWN_PATH = '/.well-known/oauth-protected-resource';

/** The path of a resource's metadata: the well-known path, followed by the resource's own path (RFC 9728 §3.1). */
function metadataPath(resource: string): string {
  const { pathname } = new URL(resource);
  return `${WELL_KNOWN_PATH}${pathname === '/' ? '' : pathname}`;
}

/** The paths at which the metadata of a resource is served, without a slash at their end. */
export function metadataPaths(resource: string): string[] {
  return [metadataPath(resource), WELL_KNOWN_PATH];
}

/** The URL of a resource's metadata (RFC 9728 §3.1). */
export function metadataUrl(resource: string): string {
  return new URL(metadataPath(resource), resource).href;
}

/**
 * Finds the metadata document (RFC 9728 §2) at `path`. It is served at the path that RFC 9728 defines and, for clients
 * that try no other path, at the root well-known path. Both may end in a slash.
 */
export function findProtectedResourceMetadata(
  { resource, authorizationServer, scopes, name }: ProtectedResource,
  path: string,
): ProtectedResourceMetadata | undefined {
  const own = metadataPath(resource);
  const requested = path.endsWith('/') ? path.slice(0, -1) : path;
  if (requested !== own && requested !== WELL_KNOWN_PATH) return undefined;
  return {
    headers: { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' },
    body: {
      // in the form that was requested: a client rejects metadata of another resource than its own (RFC 9728 §3.3)
      resource: path === `${own}/` ? `${resource}/` : resource,
      authorization_servers: [authorizationServer],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
      resource_name: name,
    },
  };
}

/**
 * Checks the description of a resource server, so that a wrong one fails when the server is created and not at its first
 * request. @throws {TypeError} that names the member and what is expected.
 */
export function requireProtectedResource({ resource, authorizationServer, scopes, name }: ProtectedResource): void {
  requireIdentifier('resource', resource);
  requireIdentifier('authorizationServer', authorizationServer);
  // the syntax of scope-token (RFC 6749 §3.3)
  if (scopes.length === 0 || !scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    throw new TypeError('scopes: expected one or more scopes (RFC 6749 §3.3)');
  if (name === '') throw new TypeError('name: expected a name for people');
}

/** Without a query or a fragment: RFC 8414 §2 and RFC 8707 §2. */
function requireIdentifier(member: string, value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#"\s\\]/.test(value))
    throw new TypeError(`${member}: expected an http or https URL without query and fragment`);
}
