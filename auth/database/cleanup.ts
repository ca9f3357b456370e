import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import { deleteOldAuditEvents } from '../audit/audit.ts';
import { deleteExpiredChallenges } from '../authenticators/passkeys.ts';
import { deleteExpiredFailures } from '../client-authentication/failed-authentication-limiter.ts';
import type { MetadataDocuments } from '../client-metadata-documents/metadata-documents.ts';
import { deleteUnusedClients } from '../client-registration/registration.ts';
import type { SecretUse } from '../clients/secret-use.ts';
import { deleteExpiredConnections } from '../connections/connections.ts';
import { deleteExpiredLinks } from '../one-time-links/one-time-links.ts';
import { deleteExpiredArtifacts } from '../provider/adapter.ts';
import { deleteExpiredStatusLists } from '../status-lists/status-list-retention.ts';

const CLEANUP_INTERVAL_MS = 60_000;

/**
 * Deletes expired rows once a minute, and writes when each client secret was last used. If it fails, it is repeated a
 * minute later. Disposing it ends the repetition and writes the last uses a last time.
 */
export function openCleanup({
  em,
  documents,
  secretUse,
  auditRetentionDays,
  logger,
}: {
  em: SqlEntityManager;
  documents: Pick<MetadataDocuments, 'refreshKeys'>;
  secretUse: SecretUse;
  auditRetentionDays: number;
  logger: Logger;
}): AsyncDisposable {
  const timer = setInterval(() => {
    Promise.all([
      secretUse.flush(),
      deleteExpiredArtifacts(em),
      deleteExpiredFailures(em),
      deleteExpiredStatusLists(em),
      deleteExpiredConnections(em),
      deleteExpiredLinks(em),
      deleteExpiredChallenges(em),
      deleteUnusedClients(em),
      documents.refreshKeys(),
      deleteOldAuditEvents(em, auditRetentionDays),
    ]).catch((err) => logger.warn({ event: 'cleanup.failed', err }, 'expired rows were not deleted'));
  }, CLEANUP_INTERVAL_MS);

  return {
    [Symbol.asyncDispose]() {
      clearInterval(timer);
      return secretUse.flush();
    },
  };
}
