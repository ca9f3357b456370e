import type { Context, Middleware } from 'koa';
import { noteLimit } from '../../shared/http/limits-reached.ts';
import { DocumentUnavailableError, type MetadataDocuments } from '../client-metadata-documents/metadata-documents.ts';
import { ROUTES } from './routes.ts';

/** The path of the authorization endpoint and those below it, as oidc-provider matches them: without regard to case. */
const AUTHORIZATION = new RegExp(`^${ROUTES.authorization}(/|$)`, 'i');

/** Where a browser goes on after the person has decided. */
const RESUMED = new RegExp(`^${ROUTES.authorization}/[A-Za-z0-9_-]+$`);

/** The authorization requests without a session that one network may send: each stores a row. */
export const ANONYMOUS_REQUESTS = { points: 60, seconds: 600 };

/** The characters of each parameter that is stored until the person has decided. */
const MAX_PARAMETER_LENGTH = 1_000;

/** Why a person reads a page instead of the client an error. */
type AuthorizationProblem = {
  readonly status: 400 | 429;
  /** An OAuth error code. */
  readonly error: string;
  readonly error_description: string;
};

/** Writes an error that no client gets. For a browser it is a page. `client` links to the client that would have got it. */
export type RenderAuthorizationProblem = (
  ctx: Context,
  problem: AuthorizationProblem,
  client?: { readonly name: string; readonly location: string },
) => void;

/**
 * Guards the authorization endpoint (RFC 6749 §3.1): what oidc-provider would store, answer to an unknown redirect URI, or do
 * for any number of requests without a session. It also makes clients known whose id is the URL of a metadata document.
 */
export function guardAuthorizationRequests({
  countAnonymous,
  isSignedIn,
  documents,
  render,
}: {
  /** Makes a client known whose id is the URL of its metadata document. */
  documents: Pick<MetadataDocuments, 'prepare'>;
  /** Counts a request without a session. Returns the seconds to wait when there were too many. */
  countAnonymous: (address: string) => number | undefined;
  /** Whether a person is signed in, in this browser. */
  isSignedIn: (ctx: Context) => Promise<boolean>;
  render: RenderAuthorizationProblem;
}): Middleware {
  return async function guardAuthorizationRequests(ctx, next) {
    if (!isAuthorizationPath(ctx.path)) {
      await next();
      return;
    }
    const isNewRequest = ctx.path === ROUTES.authorization;
    // oidc-provider also serves other spellings of the path, and POST. Nothing needs them, and each would have to be guarded.
    if ((!isNewRequest && !RESUMED.test(ctx.path)) || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) {
      ctx.status = 404;
      return;
    }
    ctx.set('cache-control', 'no-store');
    // oidc-provider would answer an error of a request that it does not know to the redirect URI in the query
    const problem = isNewRequest ? findProblem(ctx) : findResumeProblem(ctx);
    if (problem !== undefined) {
      render(ctx, problem);
      return;
    }
    if (isNewRequest) {
      const wait = (await isSignedIn(ctx)) ? undefined : countAnonymous(ctx.ip);
      if (wait !== undefined) {
        ctx.set('retry-after', String(wait));
        noteLimit(ctx, 'authorization_requests');
        render(ctx, {
          status: 429,
          error: 'temporarily_unavailable',
          error_description: `there were too many authorization requests from this address: try again in ${wait} seconds`,
        });
        return;
      }
    }
    if (isNewRequest && !(await prepareDocument(ctx))) return;
    await next();
  };

  /** @returns whether the request can go on. */
  async function prepareDocument(ctx: Context): Promise<boolean> {
    const { client_id: clientId } = ctx.query;
    if (typeof clientId !== 'string' || !clientId.startsWith('https://')) return true;
    // a picture or a script of another site must not make auth fetch documents; old browsers do not send the header
    const destination = ctx.get('sec-fetch-dest') || 'document';
    try {
      await documents.prepare(clientId, { address: ctx.ip, mayFetchNew: destination === 'document' });
      return true;
    } catch (error) {
      if (!(error instanceof DocumentUnavailableError)) throw error;
      if (error.retryAfterSeconds !== undefined) {
        ctx.set('retry-after', String(error.retryAfterSeconds));
        noteLimit(ctx, 'new_documents');
      }
      render(ctx, {
        status: error.retryAfterSeconds === undefined ? 400 : 429,
        error: 'invalid_client',
        error_description: error.message,
      });
      return false;
    }
  }
}

/** The request that goes on has its parameters stored, so it has none in the URL. */
function findResumeProblem(ctx: Context): AuthorizationProblem | undefined {
  if (ctx.querystring === '') return undefined;
  return { status: 400, error: 'invalid_request', error_description: 'expected no parameters at this address' };
}

function findProblem(ctx: Context): AuthorizationProblem | undefined {
  const invalid = (error_description: string) =>
    ({ status: 400, error: 'invalid_request', error_description }) as const;
  const { response_mode, client_id, ...others } = ctx.query;
  if (response_mode !== undefined && response_mode !== 'query')
    return invalid('response_mode: expected query, or no such parameter');
  for (const [name, value] of Object.entries({ client_id, ...others })) {
    const texts = [value ?? ''].flat();
    if (texts.some((text) => text.length > MAX_PARAMETER_LENGTH))
      return invalid(`${name.slice(0, 40)}: expected at most ${MAX_PARAMETER_LENGTH} characters`);
    // PostgreSQL cannot store it
    if (texts.some((text) => text.includes('\0'))) return invalid(`${name.slice(0, 40)}: expected no NUL`);
  }
  // URL schemes are case-insensitive, and a client id is compared exactly
  if (typeof client_id === 'string' && /^https:/i.test(client_id) && !client_id.startsWith('https://'))
    return { status: 400, error: 'invalid_client', error_description: 'client_id: expected https:// in lower case' };
  return undefined;
}

/** Whether a path is that of the authorization endpoint, or below it. */
export function isAuthorizationPath(path: string): boolean {
  return AUTHORIZATION.test(path);
}
