import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { BY_ITSELF, insertSuccess } from '../audit/audit.ts';
import { revokeAllKeys } from '../signing-keys/key-rotation.ts';
import type { KeySettings } from '../signing-keys/key-store.ts';
import { findOrCreateServerSecrets } from '../signing-keys/server-secrets.ts';

/**
 * How far the numbers of lists and of revocations are moved on. Between the backup and the restore there were fewer: a list takes ten
 * seconds at the least.
 */
const SKIPPED_LISTS = 1_000_000;
const SKIPPED_REVOCATIONS = 1_000_000_000;

/** The tables of what a person or a client got before the backup, and which may have been taken back after it. */
const ENDED = ['connection', 'artifact', 'one_time_link', 'challenge', 'lease', 'revocation', 'status_list'] as const;

/** What was ended. */
export type Invalidated = { readonly keys: number; readonly connections: number };

/**
 * Makes a restored database safe, in one transaction. The backup does not know what was revoked after it, so nothing that was
 * issued before is accepted any more: neither access tokens, whose keys are revoked, nor refresh tokens, codes, sessions and
 * one-time links. The numbers of status lists and of revocations go on where no process has been, because resource servers remember
 * what they have read.
 * @throws {SecretUnreadableError} when the secrets were encrypted with another key encryption key. Nothing is changed then.
 */
export async function invalidateEverything(em: SqlEntityManager, settings: KeySettings): Promise<Invalidated> {
  // a key that another key encryption key encrypts than the secrets would keep auth from starting
  await findOrCreateServerSecrets({ em, keyEncryptionKeys: settings.keyEncryptionKeys });
  return em.fork().transactional(async (transaction) => {
    const keys = await revokeAllKeys(transaction, settings, BY_ITSELF);
    const [{ connections } = { connections: 0 }] = await transaction.execute<{ connections: number }[]>(
      'select count(*)::int as connections from auth.connection',
    );
    for (const table of ENDED) await transaction.execute(`delete from auth.${table}`);
    await skip(transaction, 'status_list', 'id', SKIPPED_LISTS);
    await skip(transaction, 'revocation', 'sequence', SKIPPED_REVOCATIONS);
    const ended = { keys: keys.length, connections };
    await insertSuccess(transaction, BY_ITSELF, 'database.restored', 'auth', ended);
    return ended;
  });
}

async function skip(transaction: SqlEntityManager, table: string, column: string, numbers: number): Promise<void> {
  await transaction.execute(
    `select setval(sequence, nextval(sequence) + ?) from pg_get_serial_sequence('auth.${table}', '${column}') as sequence`,
    [numbers],
  );
}
