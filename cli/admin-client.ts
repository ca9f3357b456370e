import * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { AuditEventResponse, type ClientChanges, ClientResponse, RevocationResponse } from '../auth/admin/contract.ts';
import type { Credentials } from '../auth/clients/credentials-file.ts';
import type { Issuer } from '../shared/resource-server/issuer.ts';

/** The administration as its client sees it. Every call throws `AdminRequestError` with what the server said. */
export type AdminClient = {
  readonly createClient: (request: Record<string, unknown>) => Promise<ClientResponse>;
  readonly listClients: () => Promise<ClientResponse[]>;
  readonly getClient: (clientId: string) => Promise<ClientResponse>;
  readonly changeClient: (clientId: string, changes: ClientChanges) => Promise<ClientResponse>;
  readonly deleteClient: (clientId: string) => Promise<void>;
  readonly rotateSecret: (clientId: string, overlap: number) => Promise<ClientResponse>;
  readonly revoke: (what: { token: string } | { client_id: string }) => Promise<RevocationResponse>;
  /** How far a revocation has come; waits up to `seconds` for the readers that have not confirmed it. */
  readonly getRevocation: (sequence: number, seconds: number) => Promise<RevocationResponse>;
  readonly listAudit: (query: { limit: string; before?: string }) => Promise<AuditEventResponse[]>;
};

/** Creates a client of `/admin` that gets its access token by client credentials. */
export function createAdminClient({ issuer, credentials }: { issuer: Issuer; credentials: Credentials }): AdminClient {
  const resource = `${issuer.identifier}/admin`;
  let accessToken: Promise<string> | undefined;
  const client = (clientId: string) => `/clients/${encodeURIComponent(clientId)}`;

  return {
    createClient: (request) => call('POST', '/clients', ClientResponse, request),
    listClients: () => call('GET', '/clients', ClientResponse.array()),
    getClient: (clientId) => call('GET', client(clientId), ClientResponse),
    changeClient: (clientId, changes) => call('PATCH', client(clientId), ClientResponse, changes),
    async deleteClient(clientId) {
      await call('DELETE', client(clientId), z.object({ message: z.string() }));
    },
    rotateSecret: (clientId, overlap) => call('POST', `${client(clientId)}/secrets`, ClientResponse, { overlap }),
    revoke: (what) => call('POST', '/revocations', RevocationResponse, what),
    getRevocation: (sequence, seconds) =>
      call('GET', `/revocations/${sequence}`, RevocationResponse, undefined, { prefer: `wait=${seconds}` }),
    listAudit: (query) => call('GET', `/audit?${new URLSearchParams(query)}`, AuditEventResponse.array()),
  };

  async function call<T>(method: string, path: string, answer: z.ZodType<T>, body?: object, headers = {}): Promise<T> {
    accessToken ??= requestAccessToken();
    const response = await issuer.fetch(`${resource}${path}`, {
      method,
      headers: { authorization: `Bearer ${await accessToken}`, 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new AdminRequestError(response.status, text);
    return answer.parse(JSON.parse(text));
  }

  async function requestAccessToken(): Promise<string> {
    const server = await issuer.metadata();
    const { OAUTH_CLIENT_ID: client_id, OAUTH_CLIENT_SECRET } = credentials;
    const authentication = oauth.ClientSecretBasic(OAUTH_CLIENT_SECRET);
    const options = { [oauth.customFetch]: issuer.fetch, [oauth.allowInsecureRequests]: true };
    const client = { client_id };
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, { resource }, options);
    try {
      return (await oauth.processClientCredentialsResponse(server, client, response)).access_token;
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError)
        throw new AdministratorRejectedError(client_id, response);
      if (error instanceof oauth.ResponseBodyError)
        throw new AdministratorRejectedError(client_id, response, error.error_description ?? error.error);
      throw error;
    }
  }
}

/** The authorization server gives the administrator no access token. The message says what to do. */
class AdministratorRejectedError extends Error {
  override readonly name = 'AdministratorRejectedError';

  constructor(clientId: string, { status, headers }: Response, reason = 'client authentication failed') {
    const hint =
      status === 429
        ? `try again in ${headers.get('retry-after') ?? 'some'} seconds`
        : `the secret in its credentials file must be the current one, and the client active, with the scope admin`;
    super(`The authorization server refuses the client ${clientId}: ${reason}; ${hint}`);
  }
}

const Problem = z.object({ detail: z.string() });

/** The administration refused a request. The message is what it said. */
class AdminRequestError extends Error {
  override readonly name = 'AdminRequestError';

  constructor(status: number, body: string) {
    const { data } = Problem.safeParse(parseJson(body));
    super(data?.detail ?? `The authorization server answered ${status}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
