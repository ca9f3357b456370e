import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Adapter, AdapterFactory } from 'oidc-provider';
import type { Clients } from '../clients/clients.ts';
import type { Connections } from '../connections/connections.ts';
import type { EmFor } from '../database/priority-connections.ts';
import { ArtifactEntity } from './artifact.entity.ts';
import { createArtifactAdapter, createReplayDetectionAdapter } from './artifact-adapter.ts';
import { createAuthorizationCodeAdapter } from './authorization-code-adapter.ts';
import { toClientMetadata } from './client-metadata.ts';
import { createExecute } from './execute.ts';
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
  const execute = createExecute({ em, emFor });
  return function createAdapter(model) {
    switch (model) {
      case 'Client':
        return createClientAdapter(clients);
      case 'AuthorizationCode':
        return createAuthorizationCodeAdapter(execute);
      case 'Grant':
        return createGrantAdapter({ execute, connections });
      case 'Interaction':
        return createInteractionAdapter(execute);
      case 'ReplayDetection':
        return createReplayDetectionAdapter(execute);
      case 'Session':
        return createSessionAdapter(execute);
      case 'RefreshToken':
        return createRefreshTokenAdapter(execute, refreshTokens);
      default:
        return createArtifactAdapter(execute, model);
    }
  };
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
