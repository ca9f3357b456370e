import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { ArtifactEntity } from './artifact.entity.ts';

/** The models whose id is a secret that its holder presents. Of it only the hash is stored. */
const SECRET_IDS: ReadonlySet<string> = new Set(['AuthorizationCode', 'RefreshToken', 'Session', 'Interaction']);

/**
 * Creates the storage of a model. To detect a second use, oidc-provider reads and then writes. Two requests at the same time
 * would both succeed, so these writes are conditional: a client assertion and an authorization code are used once.
 */
export function createArtifactAdapter(forkEm: () => SqlEntityManager, model: string): Adapter {
  const hasSecretId = SECRET_IDS.has(model);
  const keyOf = (id: string) => (hasSecretId ? hashArtifactId(id) : id);

  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
      const { grantId = null, uid = null, userCode = null } = payload;
      const artifact = {
        model,
        id: keyOf(id),
        payload: hasSecretId ? withoutSecrets(id, payload) : { ...payload },
        grantId,
        uid,
        userCode,
        accountId: model === 'Session' ? (payload.accountId ?? null) : null,
        consumedAt: null,
        expiresAt,
      };
      if (model === 'ReplayDetection') await insertOnce(artifact);
      else await forkEm().upsert(ArtifactEntity, artifact);
    },
    async find(id) {
      // a value that a client sends can be of any length, and a stored one never has NUL, which PostgreSQL rejects
      if (id.length > 1000 || id.includes('\0')) return undefined;
      const found = await findPayload('id', keyOf(id));
      return found && hasSecretId ? withSecrets(id, found) : found;
    },
    findByUid: (uid) => findPayload('uid', uid),
    findByUserCode: (userCode) => findPayload('user_code', userCode),
    async consume(id) {
      const consumed = await forkEm().execute(CONSUME_SQL, [model, keyOf(id), model, keyOf(id)]);
      if (consumed.length === 0) throw new errors.InvalidGrant(`${model} was redeemed before`);
    },
    async destroy(id) {
      await forkEm().nativeDelete(ArtifactEntity, { model, id: keyOf(id) });
    },
    // the destruction of the grant revokes everything that belongs to it, in one transaction
    async revokeByGrantId() {},
  };

  async function findPayload(column: 'id' | 'uid' | 'user_code', value: string): Promise<AdapterPayload | undefined> {
    if (value.includes('\0')) return undefined;
    // plain SQL: a refresh of an access token reads three rows, and entities make each cost several times as much
    const [found] = await forkEm().execute<{ payload: AdapterPayload; consumed: number | null }[]>(
      `select payload, floor(extract(epoch from consumed_at))::float8 as consumed from auth.artifact
       where model = ? and ${column} = ? and (expires_at is null or expires_at > now())`,
      [model, value],
    );
    if (found === undefined) return undefined;
    return { ...found.payload, ...(found.consumed !== null && { consumed: found.consumed }) };
  }

  /** Inserts an artifact, or replaces an expired one. One that has not expired means a replay (RFC 7523 §3, `jti`). */
  async function insertOnce(artifact: { id: string; payload: object; expiresAt: Date | null }): Promise<void> {
    const written = await forkEm().execute(
      `insert into auth.artifact (model, id, payload, expires_at) values (?, ?, ?, ?)
       on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at
       where artifact.expires_at <= now()
       returning id`,
      [model, artifact.id, JSON.stringify(artifact.payload), artifact.expiresAt],
    );
    if (written.length === 0) throw new errors.InvalidClientAuth('the client assertion was used before');
  }
}

/**
 * Marks an artifact as consumed, and its connection as used. The join locks the connection first, in the order in which a
 * revocation locks them. Without a connection, nothing is consumed.
 */
const CONSUME_SQL = `with used as (
    update auth.connection set last_used_at = now()
    where id = (select grant_id from auth.artifact where model = ? and id = ?) returning id
  )
  update auth.artifact set consumed_at = now() from used
  where model = ? and artifact.id = ? and grant_id = used.id and consumed_at is null
  returning artifact.id`;

/** Stands for the id in the address to which an interaction leads. */
const ID_PLACEHOLDER = '{id}';

/** The payload without the id, and without the id of the session, neither of which is stored as it is. */
export function withoutSecrets(id: string, { jti: _, ...payload }: AdapterPayload): AdapterPayload {
  const { returnTo, session } = payload;
  return {
    ...payload,
    ...(typeof returnTo === 'string' && { returnTo: returnTo.replace(id, ID_PLACEHOLDER) }),
    ...(session && { session: { ...session, cookie: undefined } }),
  };
}

function withSecrets(id: string, payload: AdapterPayload): AdapterPayload {
  const { returnTo } = payload;
  return {
    ...payload,
    jti: id,
    ...(typeof returnTo === 'string' && { returnTo: returnTo.replace(ID_PLACEHOLDER, id) }),
  };
}

/** The stored form of an id that is a secret. One SHA-256 is enough, because the id is random. */
export function hashArtifactId(id: string): string {
  return hash('sha256', id, 'base64url');
}
