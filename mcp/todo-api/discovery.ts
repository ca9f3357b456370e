import * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { AuthorizationServerUnavailableError, createIssuer } from '../../shared/resource-server/issuer.ts';
import { lazy } from '../../shared/resource-server/lazy.ts';
import { TodoApiError } from './todo-api-error.ts';

/** What a client learns from the metadata of a todo API. Each part is fetched when it is first needed. */
export type TodoApiDiscovery = {
  /** The resource identifier of the API (RFC 9728 §2). @throws {TodoApiError} */
  readonly resource: () => Promise<string>;
  /** The URL below which the todos are. @throws {TodoApiError} */
  readonly baseUrl: () => Promise<string>;
  /**
   * The authorization server that issues its access tokens (RFC 8414).
   * @throws {TodoApiError} @throws {AuthorizationServerUnavailableError}
   */
  readonly authorizationServer: () => Promise<oauth.AuthorizationServer>;
};

/** How long the API may take to return its metadata. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Creates the discovery of the todo API at `apiBaseUrl`, which is the URL of the API or only its origin.
 * @param tokenUrl the token endpoint; when it is given, the metadata does not decide where the client secret is sent.
 * @param identifier the schema of the identifiers that are accepted in the metadata.
 */
export function createTodoApiDiscovery({
  apiBaseUrl,
  tokenUrl,
  identifier,
  fetch,
}: {
  apiBaseUrl: string;
  tokenUrl: string | undefined;
  identifier: z.ZodType<string>;
  fetch: typeof globalThis.fetch;
}): TodoApiDiscovery {
  const Metadata = z.object({ resource: identifier, authorization_servers: z.tuple([identifier], z.unknown()) });

  const metadata = lazy(async () => {
    const response = await requestMetadata();
    // a redirect is not followed
    if (response.status !== 200)
      throw new TodoApiError(502, {
        cause: new Error(`its metadata was answered with ${response.status}`),
        // a server that fails may be the right one
        ...(response.status < 500 && { wrongAddress: { address: apiBaseUrl } }),
      });
    // oauth4webapi would require that the resource equals `apiBaseUrl`, which may be only the origin
    const parsed = Metadata.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) throw new TodoApiError(502, { cause: parsed.error, wrongAddress: { address: apiBaseUrl } });
    const { resource } = parsed.data;
    // otherwise any server could have the client secret sent to an authorization server of its choice (RFC 9728 §3.3)
    if (tokenUrl === undefined && new URL(resource).origin !== new URL(apiBaseUrl).origin)
      throw new TodoApiError(502, {
        cause: new Error(`its metadata names the resource ${resource}`),
        wrongAddress: { address: apiBaseUrl, resourceOrigin: new URL(resource).origin },
      });
    return parsed.data;
  });

  return {
    resource: async () => (await metadata()).resource,
    async baseUrl() {
      if (new URL(apiBaseUrl).pathname !== '/') return apiBaseUrl;
      return apiBaseUrl + new URL((await metadata()).resource).pathname;
    },
    async authorizationServer() {
      if (tokenUrl !== undefined) return { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
      const { authorization_servers } = await metadata();
      try {
        return await createIssuer({ identifier: authorization_servers[0], fetch }).metadata();
      } catch (cause) {
        throw new AuthorizationServerUnavailableError('The authorization server cannot be reached', {
          cause,
          address: authorization_servers[0],
        });
      }
    },
  };

  async function requestMetadata(): Promise<Response> {
    try {
      return await oauth.resourceDiscoveryRequest(new URL(apiBaseUrl), {
        [oauth.customFetch]: fetch,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        // whether an address may be http is decided where the configuration is read
        [oauth.allowInsecureRequests]: true,
      });
    } catch (cause) {
      throw new TodoApiError(503, { cause, address: apiBaseUrl });
    }
  }
}
