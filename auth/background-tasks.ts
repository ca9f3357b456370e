import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import { deleteOldAuditEvents } from './audit/audit.ts';
import { deleteExpiredChallenges } from './authenticators/passkeys.ts';
import { deleteExpiredFailures } from './client-authentication/failed-authentication-limiter.ts';
import type { MetadataDocuments } from './client-metadata-documents/metadata-documents.ts';
import type { SecretUse } from './clients/secret-use.ts';
import { deleteUnusedClients, noteUsedClients } from './clients/unused-clients.ts';
import { deleteExpiredConnections } from './connections/connections.ts';
import { deleteExpiredLinks } from './one-time-links/one-time-links.ts';
import { deleteExpiredArtifacts } from './provider/adapter.ts';
import { deleteExpiredKeys, rotateWhenDue } from './signing-keys/key-rotation.ts';
import type { KeySettings } from './signing-keys/key-store.ts';
import { deleteExpiredStatusLists } from './status-lists/status-list-retention.ts';

const INTERVAL_MS = 60_000;

/**
 * Does once a minute what no request waits for: deletes expired rows, writes when secrets and clients were last used,
 * fetches keys of clients again, and creates the next signing key. What fails is repeated a minute later. Disposing it writes the last uses a last time.
 */
export function openBackgroundTasks({
  em,
  documents,
  secretUse,
  auditRetentionDays,
  keySettings,
  keyRotationDays,
  logger,
}: {
  em: SqlEntityManager;
  documents: Pick<MetadataDocuments, 'refreshKeys'>;
  secretUse: SecretUse;
  auditRetentionDays: number;
  keySettings: KeySettings;
  /** The days after which another key signs. */
  keyRotationDays: number | 'off';
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
      noteUsedClients(em),
      deleteUnusedClients(em),
      documents.refreshKeys(),
      deleteOldAuditEvents(em, auditRetentionDays),
      deleteExpiredKeys(em),
    ]).catch((err) => logger.warn({ event: 'cleanup.failed', err }, 'expired rows were not deleted'));
    if (keyRotationDays !== 'off')
      rotateWhenDue(em, keySettings, keyRotationDays).catch((err) =>
        logger.warn({ event: 'signing_keys.rotation_failed', err }, 'the next signing key was not created'),
      );
  }, INTERVAL_MS);

  return {
    [Symbol.asyncDispose]() {
      clearInterval(timer);
      return secretUse.flush();
    },
  };
}
