import Router from '@koa/router';

/** A resource server in the words of RFC 9728: who it is, who issues its access tokens and which scopes it knows. */
export type ProtectedResource = {
  /** The resource identifier, which is the audience of its access tokens. */
  readonly resource: string;
  /** The issuer of its access tokens. */
  readonly authorizationServer: string;
  readonly scopes: readonly string[];
  /** For people to read. */
  readonly name: string;
};

/** The path of a resource's metadata: the well-known name put before the resource's own path (RFC 9728 §3.1). */
function metadataPath(resource: string): string {
  const { pathname } = new URL(resource);
  return `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
}

/** The address of a resource's metadata. */
export function metadataUrl(resource: string): string {
  return new URL(metadataPath(resource), resource).href;
}

/**
 * Serves the protected resource metadata (RFC 9728 §2) at the path that RFC 9728 gives it and, for clients that look no
 * further, at the root.
 */
export function protectedResourceMetadataRoutes(protectedResource: ProtectedResource): Router {
  const { resource, authorizationServer, scopes, name } = protectedResource;
  const router = new Router();
  router.get(
    [metadataPath(resource), '/.well-known/oauth-protected-resource'],
    function protectedResourceMetadata(ctx) {
      ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' });
      ctx.body = {
        // in the form that was asked for: a client uses no metadata of another resource than its own (RFC 9728 §3.3)
        resource: ctx.path === `${metadataPath(resource)}/` ? `${resource}/` : resource,
        authorization_servers: [authorizationServer],
        scopes_supported: scopes,
        bearer_methods_supported: ['header'],
        resource_name: name,
      };
    },
  );
  return router;
}
