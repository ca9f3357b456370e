import * as z from 'zod';
import {
  AuditEventResponse,
  type ClientChanges,
  ClientResponse,
  ConnectionResponse,
  ConnectionRevocationResponse,
  KeyResponse,
  LinkResponse,
  RevocationResponse,
  UserResponse,
} from '../auth/admin/contract.ts';
import type { Credentials } from '../auth/clients/credentials-file.ts';
import { findJson } from '../shared/find-json.ts';
import { CLIENT_CREDENTIALS } from '../shared/oauth-client/grant-types.ts';
import { createTokenRequest } from '../shared/oauth-client/token-request.ts';
import type { Issuer } from '../shared/resource-server/issuer.ts';
import { escapeInvisible } from '../shared/visible-text.ts';
import { toClientRejectedError } from './client-rejected-error.ts';

/** Which connections: one, those of a user, or those of a client. */
export type ConnectionSelection = { id?: string; username?: string; client_id?: string };

/** The admin API of auth. Every call throws `AdminRequestError` when auth rejects it. */
export type AdminClient = {
  readonly createClient: (request: Record<string, unknown>) => Promise<ClientResponse>;
  readonly listClients: () => Promise<ClientResponse[]>;
  readonly getClient: (clientId: string) => Promise<ClientResponse>;
  readonly changeClient: (clientId: string, changes: ClientChanges) => Promise<ClientResponse>;
  /** Replaces the public keys, a JWK Set. The old keys stay valid for `overlap` seconds. */
  readonly setKeys: (clientId: string, jwks: unknown, overlap: number) => Promise<ClientResponse>;
  readonly deleteClient: (clientId: string) => Promise<void>;
  readonly rotateSecret: (clientId: string, overlap: number) => Promise<ClientResponse>;
  readonly revoke: (what: { token: string } | { client_id: string }) => Promise<RevocationResponse>;
  /** Which readers have confirmed a revocation; waits up to `seconds` until all have. */
  readonly getRevocation: (sequence: number, seconds: number) => Promise<RevocationResponse>;
  /** Makes a one-time link for a new account, valid for `hours`. */
  readonly inviteUser: (username: string, hours: number) => Promise<LinkResponse>;
  /** Makes a one-time link with which a person gets back into an account, valid for `hours`. */
  readonly recoverUser: (username: string, hours: number) => Promise<LinkResponse>;
  readonly listUsers: () => Promise<UserResponse[]>;
  readonly getUser: (username: string) => Promise<UserResponse>;
  readonly setUserActive: (username: string, active: boolean) => Promise<UserResponse>;
  readonly deleteUser: (username: string) => Promise<UserResponse>;
  readonly listConnections: (query: ConnectionSelection) => Promise<ConnectionResponse[]>;
  readonly revokeConnections: (query: ConnectionSelection) => Promise<ConnectionRevocationResponse>;
  readonly listKeys: () => Promise<KeyResponse[]>;
  /** Has another key sign after `seconds`. Returns that key. */
  readonly rotateKeys: (seconds: number) => Promise<KeyResponse>;
  readonly revokeKey: (kid: string) => Promise<RevocationResponse>;
  readonly listAudit: (query: { limit: string; before?: string }) => Promise<AuditEventResponse[]>;
};

/**
 * Creates a client of `/admin`. It requests an access token with `credentials` before its first call.
 * @param source where the credentials come from, for the error message when auth rejects them.
 */
export function createAdminClient({
  issuer,
  credentials,
  source,
}: {
  issuer: Issuer;
  credentials: Credentials;
  source: string;
}): AdminClient {
  const resource = `${issuer.identifier}/admin`;
  const requestAccessToken = createTokenRequest({
    authorizationServer: issuer.metadata,
    clientId: credentials.OAUTH_CLIENT_ID,
    clientSecret: credentials.OAUTH_CLIENT_SECRET,
    fetch: issuer.fetch,
  });
  let accessToken: Promise<string> | undefined;
  const client = (clientId: string) => `/clients/${encodeURIComponent(clientId)}`;
  const user = (username: string) => `/users/${encodeURIComponent(username)}`;

  return {
    createClient: (request) => call('POST', '/clients', ClientResponse, request),
    listClients: () => call('GET', '/clients', ClientResponse.array()),
    getClient: (clientId) => call('GET', client(clientId), ClientResponse),
    changeClient: (clientId, changes) => call('PATCH', client(clientId), ClientResponse, changes),
    setKeys: (clientId, jwks, overlap) => call('PATCH', client(clientId), ClientResponse, { jwks, overlap }),
    async deleteClient(clientId) {
      await call('DELETE', client(clientId), z.object({ message: z.string() }));
    },
    rotateSecret: (clientId, overlap) => call('POST', `${client(clientId)}/secrets`, ClientResponse, { overlap }),
    revoke: (what) => call('POST', '/revocations', RevocationResponse, what),
    getRevocation: (sequence, seconds) =>
      call('GET', `/revocations/${sequence}`, RevocationResponse, undefined, { prefer: `wait=${seconds}` }),
    inviteUser: (username, hours) => call('POST', '/invitations', LinkResponse, { username, hours }),
    recoverUser: (username, hours) => call('POST', `${user(username)}/recoveries`, LinkResponse, { hours }),
    listUsers: () => call('GET', '/users', UserResponse.array()),
    getUser: (username) => call('GET', user(username), UserResponse),
    setUserActive: (username, active) => call('PATCH', user(username), UserResponse, { active }),
    deleteUser: (username) => call('DELETE', user(username), UserResponse),
    listConnections: (query) => call('GET', `/connections?${new URLSearchParams(query)}`, ConnectionResponse.array()),
    revokeConnections: (query) =>
      call('DELETE', `/connections?${new URLSearchParams(query)}`, ConnectionRevocationResponse),
    listKeys: () => call('GET', '/keys', KeyResponse.array()),
    rotateKeys: (seconds) => call('POST', '/keys', KeyResponse, { signs_in: seconds }),
    async revokeKey(kid) {
      const revocation = await call('DELETE', `/keys/${encodeURIComponent(kid)}`, RevocationResponse);
      // the key may have signed the access token of this command
      accessToken = undefined;
      return revocation;
    },
    listAudit: (query) => call('GET', `/audit?${new URLSearchParams(query)}`, AuditEventResponse.array()),
  };

  async function call<T>(method: string, path: string, answer: z.ZodType<T>, body?: object, headers = {}): Promise<T> {
    accessToken ??= getAccessToken();
    const response = await issuer.fetch(`${resource}${path}`, {
      method,
      headers: { authorization: `Bearer ${await accessToken}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new AdminRequestError(response.status, text);
    return answer.parse(JSON.parse(text));
  }

  async function getAccessToken(): Promise<string> {
    try {
      return (await requestAccessToken(CLIENT_CREDENTIALS, { resource })).value;
    } catch (error) {
      throw toClientRejectedError(error, {
        clientId: credentials.OAUTH_CLIENT_ID,
        source,
        advice: `Use an administrator's credentials: those from ${source} are of a client without the scope admin.`,
      });
    }
  }
}

const Problem = z.object({ detail: z.string(), code: z.string().optional() });

/** auth rejected a request to the admin API. The message is the `detail` of its answer (RFC 9457). */
export class AdminRequestError extends Error {
  override readonly name = 'AdminRequestError';
  /** The `code` of the problem, if auth sent one. */
  readonly code: string | undefined;

  constructor(status: number, body: string) {
    const { data } = Problem.safeParse(findJson(body));
    super(
      data === undefined ? `The authorization server answered with status ${status}.` : escapeInvisible(data.detail),
    );
    this.code = data?.code;
  }
}
