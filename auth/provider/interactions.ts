import type { Context } from 'koa';
import { errors, type default as Provider } from 'oidc-provider';
import { normalizeResource } from '../resource-servers/resource-servers.ts';

/** An authorization request that waits for a person. */
export type Interaction = {
  readonly uid: string;
  /** What the person has to do. */
  readonly prompt: 'login' | 'consent';
  /** The account that is signed in, for the prompt `consent`. */
  readonly accountId: string | undefined;
  readonly clientId: string;
  readonly redirectUri: string;
  /** The resource identifier for which the client asks. */
  readonly resource: string;
  /** The scopes that the person may allow. */
  readonly scopes: readonly string[];
  /** The path and query with which the same authorization request begins again, without `login` in its `prompt`. */
  readonly restartPath: string;
};

/** The browser has no such interaction: it has expired, was completed, or belongs to another browser. */
export class InteractionNotFoundError extends Error {
  override readonly name = 'InteractionNotFoundError';
}

/** The authorization requests that wait for a person. Each needs the cookie that the request itself set. */
export type Interactions = {
  /** @throws {InteractionNotFoundError} when it has expired, was completed, or belongs to another browser. */
  readonly get: (ctx: Context) => Promise<Interaction>;
  /** Completes the interaction with the connection that the person allowed. Returns where the browser goes next. */
  readonly allow: (ctx: Context, connectionId: string) => Promise<string>;
  /** Completes it with the error `access_denied` (RFC 6749 §4.1.2.1). Returns where the browser goes next. */
  readonly refuse: (ctx: Context) => Promise<string>;
};

/** Creates the view of the interactions of oidc-provider. */
export function createInteractions(provider: Provider): Interactions {
  return {
    async get(ctx) {
      const { uid, prompt, params, session } = await find(ctx);
      // the cookie and the path name the same interaction: another one would be shown and this one allowed
      if (ctx.path.split('/')[2] !== uid || (prompt.name !== 'login' && prompt.name !== 'consent'))
        throw new InteractionNotFoundError('another interaction');
      return {
        uid,
        prompt: prompt.name,
        accountId: session?.accountId,
        clientId: String(params.client_id),
        redirectUri: String(params.redirect_uri),
        resource: normalizeResource(String(params.resource)),
        scopes: String(params.scope ?? '').split(' '),
        restartPath: createRequestPath(provider, params),
      };
    },
    allow: (ctx, connectionId) => complete(ctx, { consent: { grantId: connectionId } }),
    refuse: (ctx) =>
      complete(ctx, { error: 'access_denied', error_description: 'the person refused the authorization request' }),
  };

  function find(ctx: Context) {
    return orNotFound(provider.interactionDetails(ctx.req, ctx.res));
  }

  function complete(ctx: Context, result: Parameters<Provider['interactionResult']>[2]): Promise<string> {
    return orNotFound(provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  }
}

async function orNotFound<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (cause) {
    throw cause instanceof errors.SessionNotFound ? new InteractionNotFoundError(cause.message, { cause }) : cause;
  }
}

function createRequestPath(provider: Provider, params: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== 'string') continue;
    const kept =
      name === 'prompt'
        ? value
            .split(' ')
            .filter((word) => word !== 'login')
            .join(' ')
        : value;
    if (kept !== '') query.set(name, kept);
  }
  return `${new URL(provider.urlFor('authorization')).pathname}?${query}`;
}
