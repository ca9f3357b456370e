import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Provider, { type Adapter, type AdapterFactory } from 'oidc-provider';
import type { Clients } from '../clients/clients.ts';
import type { Connections } from '../connections/connections.ts';
import type { EmFor } from '../database/priority-connections.ts';
import { ArtifactEntity } from './artifact.entity.ts';
import { createArtifactAdapter } from './artifact-adapter.ts';
import { toClientMetadata } from './client-metadata.ts';
import { createGrantAdapter } from './grant-adapter.ts';
import { createInteractionAdapter } from './interaction-adapter.ts';
import { createRefreshTokenAdapter, type RefreshTokenOptions } from './refresh-token-adapter.ts';
import { createSessionAdapter } from './session-adapter.ts';
import { unsupportedOperations } from './unsupported-operations.ts';

/**
 * Creates the storage of oidc-provider. Clients come from the cache of clients, a grant is a row of `connection`, and
 * everything else is an artifact in the database.
 */
export function createAdapterFactory({
  em,
  emFor = () => em,
  clients,
  connections,
  refreshTokens,
}: {
  em: SqlEntityManager;
  /** Chooses the connections to the database for the client of the current request. */
  emFor?: EmFor;
  clients: Pick<Clients, 'find'>;
  connections: Pick<Connections, 'revoke'>;
  refreshTokens: RefreshTokenOptions;
}): AdapterFactory {
  return function createAdapter(model) {
    switch (model) {
      case 'Client':
        return createClientAdapter(clients);
      case 'Grant':
        return createGrantAdapter({ forkEm, connections });
      case 'Interaction':
        return createInteractionAdapter(forkEm);
      case 'Session':
        return createSessionAdapter(forkEm);
      case 'RefreshToken':
        return createRefreshTokenAdapter(forkEm, refreshTokens);
      default:
        return createArtifactAdapter(forkEm, model);
    }
  };

  function forkEm(): SqlEntityManager {
    const client = Provider.ctx?.oidc?.client;
    return (client === undefined ? em : emFor(client.clientId)).fork();
  }
}

function createClientAdapter(clients: Pick<Clients, 'find'>): Adapter {
  return {
    ...unsupportedOperations('a client is registered by auth/clients'),
    async find(clientId) {
      const client = await clients.find(clientId);
      return client && toClientMetadata(client);
    },
  };
}

/** Deletes expired artifacts, which no lookup returns. */
export async function deleteExpiredArtifacts(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(ArtifactEntity, { expiresAt: { $lte: new Date() } });
}
