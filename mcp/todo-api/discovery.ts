import type * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { AuthorizationServerUnavailableError, createIssuer } from '../../shared/resource-server/issuer.ts';
import { lazy } from '../../shared/resource-server/lazy.ts';
import { metadataUrl } from '../../shared/resource-server/protected-resource-metadata.ts';
import { TodoApiError } from './todo-api-error.ts';

/** What a client that knows only an address learns of the todo API there. Each is asked for when it is first needed. */
export type TodoApiDiscovery = {
  /** The API's resource identifier (RFC 9728 §2). */
  readonly resource: () => Promise<string>;
  /** Where its todos are. */
  readonly baseUrl: () => Promise<string>;
  /** The authorization server that issues its access tokens (RFC 8414). */
  readonly authorizationServer: () => Promise<oauth.AuthorizationServer>;
};

/**
 * Creates the discovery of the todo API at `apiBaseUrl`, which may be the API or only its origin.
 * @param tokenUrl the token endpoint, where it is known: then nothing that the API says decides where the secret goes.
 * @param identifier the schema of an identifier that a secret may be sent to.
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
    const response = await fetch(metadataUrl(apiBaseUrl), {
      redirect: 'error',
      signal: AbortSignal.timeout(5_000),
    }).catch((cause) => {
      throw new TodoApiError(503, { cause });
    });
    const parsed = Metadata.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) throw new TodoApiError(502, { cause: parsed.error });
    // a resource elsewhere would send the client's secret to an authorization server of its own choice (RFC 9728 §3.3)
    if (tokenUrl === undefined && new URL(parsed.data.resource).origin !== new URL(apiBaseUrl).origin) {
      throw new TodoApiError(502, { cause: new Error(`its metadata names the resource ${parsed.data.resource}`) });
    }
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
        throw new AuthorizationServerUnavailableError('The authorization server cannot be reached', { cause });
      }
    },
  };
}
