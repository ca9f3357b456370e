import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Provider, { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Clients } from '../clients/clients.ts';
import type { EmFor } from '../database/priority-connections.ts';
import { ArtifactEntity } from './artifact.entity.ts';
import { toClientMetadata } from './client-metadata.ts';

/**
 * Creates the storage of oidc-provider. Clients come from the cache of clients, everything else is an artifact in the
 * database. To detect a second use, oidc-provider reads and then writes. Two requests at the same time would both
 * succeed, so the write is conditional: it rejects a client assertion that was used before, and
 * an authorization code, of which auth issues none yet.
 */
export function createAdapterFactory({
  em,
  emFor = () => em,
  clients,
}: {
  em: SqlEntityManager;
  /** Chooses the connections for the client of the current request. */
  emFor?: EmFor;
  clients: Pick<Clients, 'find'>;
}): AdapterFactory {
  return (model) => (model === 'Client' ? createClientAdapter(clients) : createArtifactAdapter(forkEm, model));

  function forkEm(): SqlEntityManager {
    const client = Provider.ctx?.oidc.client;
    return (client === undefined ? em : emFor(client.clientId)).fork();
  }
}

function createClientAdapter(clients: Pick<Clients, 'find'>): Adapter {
  return {
    ...unsupported,
    async find(clientId) {
      const client = await clients.find(clientId);
      return client && toClientMetadata(client);
    },
  };
}

function createArtifactAdapter(forkEm: () => SqlEntityManager, model: string): Adapter {
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
      const { grantId = null, uid = null, userCode = null } = payload;
      const artifact = { model, id, payload: { ...payload }, grantId, uid, userCode, consumedAt: null, expiresAt };
      if (model === 'ReplayDetection') await insertOnce(artifact);
      else await forkEm().upsert(ArtifactEntity, artifact);
    },
    find: (id) => findPayload({ id }),
    findByUid: (uid) => findPayload({ uid }),
    findByUserCode: (userCode) => findPayload({ userCode }),
    async consume(id) {
      const consumed = await forkEm().nativeUpdate(
        ArtifactEntity,
        { model, id, consumedAt: null },
        { consumedAt: new Date() },
      );
      if (consumed === 0) throw new errors.InvalidGrant(`${model} was redeemed before`);
    },
    async destroy(id) {
      await forkEm().nativeDelete(ArtifactEntity, { model, id });
    },
    async revokeByGrantId(grantId) {
      await forkEm().nativeDelete(ArtifactEntity, { model, grantId });
    },
  };

  async function findPayload(
    where: { id: string } | { uid: string } | { userCode: string },
  ): Promise<AdapterPayload | undefined> {
    // PostgreSQL rejects NUL in text, so an id that contains it was never stored
    if (Object.values(where).some((value) => value.includes('\0'))) return undefined;
    const found = await forkEm().findOne(ArtifactEntity, {
      model,
      ...where,
      $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }],
    });
    if (found === null) return undefined;
    return { ...found.payload, ...(found.consumedAt && { consumed: Math.floor(found.consumedAt.getTime() / 1000) }) };
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

/** Deletes expired artifacts, which no lookup returns. */
export async function deleteExpiredArtifacts(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(ArtifactEntity, { expiresAt: { $lte: new Date() } });
}

/** oidc-provider only looks clients up, because they are registered at `/admin`. */
const unsupported = {
  upsert: throwUnsupported,
  findByUid: throwUnsupported,
  findByUserCode: throwUnsupported,
  consume: throwUnsupported,
  destroy: throwUnsupported,
  revokeByGrantId: throwUnsupported,
} satisfies Omit<Adapter, 'find'>;

async function throwUnsupported(): Promise<never> {
  throw new Error('oidc-provider can only look up clients');
}
