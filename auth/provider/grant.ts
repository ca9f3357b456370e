import type { AdapterPayload } from 'oidc-provider';

/** A connection as oidc-provider stores a grant. Times are in seconds since the epoch. */
export type Grant = AdapterPayload;

/** The select list that returns `GrantColumns`, from `auth.connection`. */
export const GRANT_COLUMNS = `connection.account_id as "accountId", connection.client_id as "clientId",
  connection.resource, connection.scopes, floor(extract(epoch from connection.created_at))::float8 as iat,
  floor(extract(epoch from connection.expires_at))::float8 as exp`;

export type GrantColumns = {
  readonly accountId: string;
  readonly clientId: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly iat: number;
  readonly exp: number;
};

export function toGrant(id: string, { accountId, clientId, resource, scopes, iat, exp }: GrantColumns): Grant {
  return {
    ...{ accountId, clientId, iat, exp },
    kind: 'Grant',
    jti: id,
    resources: { [resource]: scopes.join(' ') },
  };
}
