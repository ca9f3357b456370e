import { createHmac } from 'node:crypto';
import Provider, { type Adapter, errors } from 'oidc-provider';
import { networkOf } from '../../shared/http/network-of.ts';
import { createArtifactAdapter, hashArtifactId } from './artifact-adapter.ts';
import type { Execute } from './execute.ts';
import { findWithConnection } from './token-connection.ts';

/** How refresh tokens rotate. */
export type RefreshTokenOptions = {
  /** The key from which the successor of a refresh token follows. */
  readonly successorKey: Buffer;
  /** Seconds for which a refresh token that was used can be used again, until its successor is used. */
  readonly grace: number;
  /** Learns of each use within the grace, with the id of the connection and the network that it came from. */
  readonly noteRepeatedUse: (connectionId: string, network: string) => void;
};

/**
 * Creates the storage of refresh tokens, which rotate (RFC 9700 §4.14.2). A host runs several processes, and loses
 * responses. So a refresh token that was used can be used again for a short time, and always gets the same successor. Once
 * the successor was used, the token is rejected. When its grace is over, a use revokes the connection: oidc-provider does
 * that for a token that has `consumed`.
 */
export function createRefreshTokenAdapter(
  execute: Execute,
  { successorKey, grace, noteRepeatedUse }: RefreshTokenOptions,
): Adapter {
  return {
    ...createArtifactAdapter(execute, 'RefreshToken'),
    async upsert(id, { jti: _, ...payload }, expiresIn = 0) {
      // the successor exists when its predecessor was used before
      await execute(
        `insert into auth.artifact (model, id, payload, grant_id, expires_at) values ('RefreshToken', ?, ?, ?, ?)
         on conflict (model, id) do nothing`,
        [hashArtifactId(id), JSON.stringify(payload), payload.grantId, new Date(Date.now() + expiresIn * 1000)],
      );
    },
    async find(id) {
      const found = await findWithConnection(execute, 'RefreshToken', id);
      if (found?.consumed === undefined) return found;
      const { consumed, ...unconsumed } = found;
      return Date.now() / 1000 - Number(consumed) <= grace ? unconsumed : found;
    },
    async consume(id) {
      const [key, successor] = [hashArtifactId(id), hashArtifactId(successorOf(successorKey, id))];
      const [consumed] = await execute<{ connection: string; isRepeated: boolean }>(CONSUME_SQL, [
        key,
        key,
        grace,
        successor,
      ]);
      if (consumed === undefined) throw new errors.InvalidGrant('the refresh token was used before');
      if (consumed.isRepeated) noteRepeatedUse(consumed.connection, networkOf(Provider.ctx?.ip ?? ''));
    },
  };
}

/** As for an authorization code, but a second time within the grace, unless the successor was used. */
const CONSUME_SQL = `with used as (
    update auth.connection set last_used_at = now()
    where id = (select grant_id from auth.artifact where model = 'RefreshToken' and id = ?) returning id
  )
  update auth.artifact token set consumed_at = coalesce(token.consumed_at, now()) from used
  where token.model = 'RefreshToken' and token.id = ? and token.grant_id = used.id and (
    token.consumed_at is null or (
      token.consumed_at > now() - make_interval(secs => ?) and not exists (
        select 1 from auth.artifact successor
        where successor.model = 'RefreshToken' and successor.id = ? and successor.consumed_at is not null
      )
    )
  )
  returning used.id as connection, token.consumed_at <> now() as "isRepeated"`;

/** The refresh token that follows `refreshToken`: 256 bits that only auth can compute. */
function successorOf(key: Buffer, refreshToken: string): string {
  return createHmac('sha256', key).update(refreshToken).digest('base64url');
}

/** Gives each rotated refresh token the successor that follows from it. By itself oidc-provider creates a random one. */
export function applyRefreshTokenSuccessors(
  provider: Provider,
  { successorKey }: Pick<RefreshTokenOptions, 'successorKey'>,
): void {
  const prototype: { generateTokenId(): string } = Object(provider.RefreshToken.prototype);
  const generate = prototype.generateTokenId;
  prototype.generateTokenId = function generateSuccessorId() {
    const rotated = Provider.ctx?.oidc.entities.RotatedRefreshToken;
    return rotated === undefined ? generate.call(this) : successorOf(successorKey, rotated.jti);
  };
}
