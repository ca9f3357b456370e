import { hash } from 'node:crypto';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Execute } from './execute.ts';

/** The models whose id is a secret that its holder presents. Of it only the hash is stored. */
const SECRET_IDS: ReadonlySet<string> = new Set(['AuthorizationCode', 'RefreshToken', 'Session', 'Interaction']);

/** Creates the storage of a model. Nothing is consumed here: each model that is used once has a storage of its own. */
export function createArtifactAdapter(execute: Execute, model: string): Adapter {
  const hasSecretId = SECRET_IDS.has(model);
  const keyOf = (id: string) => (hasSecretId ? hashArtifactId(id) : id);

  return {
    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, accountId = null } = payload;
      await execute(UPSERT_SQL, [
        model,
        keyOf(id),
        JSON.stringify(hasSecretId ? withoutSecrets(id, payload) : payload),
        grantId,
        uid,
        model === 'Session' ? accountId : null,
        expiryOf(expiresIn),
      ]);
    },
    async find(id) {
      // a value that a client sends can be of any length, and a stored one never has NUL, which PostgreSQL rejects
      if (id.length > 1000 || id.includes('\0')) return undefined;
      const found = await findPayload('id', keyOf(id));
      return found && hasSecretId ? withSecrets(id, found) : found;
    },
    findByUid: (uid) => findPayload('uid', uid),
    async findByUserCode() {
      throw new Error('there is no device authorization grant (RFC 8628)');
    },
    async consume() {
      throw new Error(`there is no second use of ${model} to detect`);
    },
    async destroy(id) {
      await execute('delete from auth.artifact where model = ? and id = ?', [model, keyOf(id)]);
    },
    // the destruction of the grant revokes everything that belongs to it, in one transaction
    async revokeByGrantId() {},
  };

  async function findPayload(column: 'id' | 'uid', value: string): Promise<AdapterPayload | undefined> {
    if (value.includes('\0')) return undefined;
    const [found] = await execute<{ payload: AdapterPayload }>(
      `select payload from auth.artifact
       where model = ? and ${column} = ? and (expires_at is null or expires_at > now())`,
      [model, value],
    );
    return found?.payload;
  }
}

const UPSERT_SQL = `insert into auth.artifact (model, id, payload, grant_id, uid, account_id, expires_at)
  values (?, ?, ?, ?, ?, ?, ?)
  on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
    account_id = excluded.account_id, consumed_at = null, expires_at = excluded.expires_at`;

/**
 * Creates the storage of the ids of client assertions (RFC 7523 §3, `jti`). One that has not expired means a replay. Two
 * requests at the same time would both succeed if the id was looked up first, so it is inserted or rejected.
 */
export function createReplayDetectionAdapter(execute: Execute): Adapter {
  return {
    ...createArtifactAdapter(execute, 'ReplayDetection'),
    async upsert(id, payload, expiresIn) {
      const written = await execute(
        `insert into auth.artifact (model, id, payload, expires_at) values ('ReplayDetection', ?, ?, ?)
         on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at
         where artifact.expires_at <= now()
         returning id`,
        [id, JSON.stringify(payload), expiryOf(expiresIn)],
      );
      if (written.length === 0) throw new errors.InvalidClientAuth('the client assertion was used before');
    },
  };
}

function expiryOf(expiresIn: number | undefined): Date | null {
  return expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
}

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
