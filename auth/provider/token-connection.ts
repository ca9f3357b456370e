import Provider, { type AdapterPayload } from 'oidc-provider';
import type { Account } from '../accounts/account.entity.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, toAccount } from '../accounts/accounts.ts';
import { hashArtifactId } from './artifact-adapter.ts';
import type { Execute } from './execute.ts';
import { GRANT_COLUMNS, type Grant, type GrantColumns, toGrant } from './grant.ts';

type Found = { readonly id: string; readonly grant: Grant; readonly account: Account };

/** The connections that were found with a token, by the request. */
const found = new WeakMap<object, Found>();

/**
 * Finds an authorization code or a refresh token, in one statement with its connection and the account, which oidc-provider
 * asks for next. What revokes the connection meanwhile is noticed when the token is consumed.
 */
export async function findWithConnection(
  execute: Execute,
  model: 'AuthorizationCode' | 'RefreshToken',
  id: string,
): Promise<AdapterPayload | undefined> {
  const [row] = await execute<Row>(
    `select artifact.payload, floor(extract(epoch from artifact.consumed_at))::float8 as consumed,
       ${GRANT_COLUMNS}, ${ACCOUNT_COLUMNS}
     from auth.artifact
       left join auth.connection on connection.id = artifact.grant_id
       left join auth.account on account.id = connection.account_id
     where artifact.model = ? and artifact.id = ? and (artifact.expires_at is null or artifact.expires_at > now())`,
    [model, hashArtifactId(id)],
  );
  if (row === undefined) return undefined;
  const { payload, consumed } = row;
  const { ctx } = Provider;
  if (ctx !== undefined && row.accountId !== null && payload.grantId !== undefined)
    found.set(ctx, { id: payload.grantId, grant: toGrant(payload.grantId, row), account: toAccount(row) });
  return { ...payload, jti: id, ...(consumed !== null && { consumed }) };
}

type Row = GrantColumns & AccountColumns & { readonly payload: AdapterPayload; readonly consumed: number | null };

/** The grant `id`, if it was found with the token of this request. */
export function findGrantOfToken(id: string): Grant | undefined {
  const connection = findOfRequest();
  return connection?.id === id ? connection.grant : undefined;
}

/** The account `id`, if it was found with the token of this request. */
export function findAccountOfToken(id: string): Account | undefined {
  const connection = findOfRequest();
  return connection?.account.id === id ? connection.account : undefined;
}

function findOfRequest(): Found | undefined {
  return Provider.ctx && found.get(Provider.ctx);
}
