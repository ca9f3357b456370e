import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { HttpError } from '../../shared/http/http-error.ts';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { NO_INDEXES, revokeRanges } from '../revocation/revoke-ranges.ts';
import type { KeyStatus } from './key-life.ts';
import {
  bringForward,
  createKey,
  findNewest,
  type KeySettings,
  lockKeys,
  readKeys,
  type StoredKey,
} from './key-store.ts';

const SECONDS_PER_DAY = 86_400;

/** A signing key as administrators see it. */
export type DescribedKey = Omit<StoredKey, 'encryptedPrivateKey'> & { readonly status: KeyStatus };

/** Lists the signing keys, the newest first. */
export async function listKeys(em: SqlEntityManager): Promise<DescribedKey[]> {
  const keys = await readKeys(em.fork());
  const active = keys.find(({ revokedAt, signsFrom }) => revokedAt === null && signsFrom <= Date.now());
  return keys.map(({ encryptedPrivateKey, ...key }) => ({ ...key, status: statusOf(key, active) }));
}

function statusOf(
  { kid, signsFrom, revokedAt }: Omit<StoredKey, 'encryptedPrivateKey'>,
  active?: StoredKey,
): KeyStatus {
  if (revokedAt !== null) return 'revoked';
  if (kid === active?.kid) return 'active';
  return signsFrom > (active?.signsFrom ?? 0) ? 'next' : 'previous';
}

/**
 * Sees to it that another key than the active one signs in `seconds` or earlier. If a next key exists it is not created
 * twice, but brought forward.
 * @returns the id of the next key.
 */
export function rotateKeys(
  em: SqlEntityManager,
  settings: KeySettings,
  { seconds, origin }: { seconds: number; origin: RequestOrigin },
): Promise<string> {
  return em.fork().transactional(async (transaction) => {
    const newest = findNewest(await lockKeys(transaction));
    if (newest === undefined || newest.signsFrom <= Date.now())
      return createKey(transaction, settings, { seconds, origin });
    if (newest.signsFrom > Date.now() + seconds * 1000) {
      await bringForward(transaction, newest.kid, seconds);
      await insertSuccess(transaction, origin, 'key.bring-forward', newest.kid, { signs_in: seconds });
    }
    return newest.kid;
  });
}

/**
 * Revokes a key whose private half may be known to others. Tokens and status lists that it signed are rejected from then
 * on. If it signs at the time, the next key, or a new one, signs at once. Revoking it again changes nothing.
 * @returns the sequence with which every process and resource server learns of it.
 * @throws {HttpError} `signing_key_not_found` (404).
 */
export function revokeKey(
  em: SqlEntityManager,
  settings: KeySettings,
  { kid, origin }: { kid: string; origin: RequestOrigin },
): Promise<number> {
  return em.fork().transactional(async (transaction) => {
    const keys = await lockKeys(transaction);
    const key = keys.find((stored) => stored.kid === kid);
    if (key === undefined) throw new HttpError('signing_key_not_found', 'There is no signing key with this id.');
    if (key.revokedAt !== null) return readSequence(transaction);
    await transaction.execute('update auth.signing_key set revoked_at = now() where kid = ?', [kid]);
    const left = keys.filter(({ revokedAt, kid: other }) => revokedAt === null && other !== kid);
    await appointSuccessor(transaction, settings, { revoked: key, left, origin });
    const cause = { actor: origin.actor ?? '', reason: 'the signing key was revoked' };
    const sequence = (await revokeRanges(transaction, [NO_INDEXES], cause)) ?? 0;
    await insertSuccess(transaction, origin, 'key.revoke', kid, { alg: key.alg, sequence });
    return sequence;
  });
}

/** Sees to it that a key signs that is younger than a revoked one, and that it counts as the last one. */
async function appointSuccessor(
  transaction: SqlEntityManager,
  settings: KeySettings,
  { revoked, left, origin }: { revoked: StoredKey; left: readonly StoredKey[]; origin: RequestOrigin },
): Promise<void> {
  const [newest] = left;
  const signsAlready = revoked.signsFrom <= Date.now();
  if (newest === undefined || (signsAlready && newest.signsFrom < revoked.signsFrom)) {
    await createKey(transaction, settings, { seconds: 0, origin });
    return;
  }
  const wasActive =
    signsAlready && left.every(({ signsFrom }) => signsFrom > Date.now() || signsFrom < revoked.signsFrom);
  if (wasActive) await bringForward(transaction, newest.kid, 0);
  await transaction.execute('update auth.signing_key set published_until = null where kid = ?', [newest.kid]);
}

/**
 * Revokes every key and creates a new one that signs at once, in `transaction`: no token of before is accepted any more.
 * @returns the ids of the revoked keys.
 */
export async function revokeAllKeys(
  transaction: SqlEntityManager,
  settings: KeySettings,
  origin: RequestOrigin,
): Promise<string[]> {
  const kids = (await lockKeys(transaction)).filter(({ revokedAt }) => revokedAt === null).map(({ kid }) => kid);
  await transaction.execute('update auth.signing_key set revoked_at = now() where revoked_at is null');
  for (const kid of kids) await insertSuccess(transaction, origin, 'key.revoke', kid, {});
  await createKey(transaction, settings, { seconds: 0, origin });
  return kids;
}

/**
 * Creates the next key when the newest one has signed for almost `days`. The next one is published a day before it signs, or
 * half of the period if that is shorter.
 */
export async function rotateWhenDue(em: SqlEntityManager, settings: KeySettings, days: number): Promise<void> {
  const seconds = days * SECONDS_PER_DAY;
  const lead = Math.min(SECONDS_PER_DAY, seconds / 2);
  const isDue = (keys: readonly StoredKey[]) =>
    (findNewest(keys)?.signsFrom ?? 0) + (seconds - lead) * 1000 <= Date.now();
  // without the lock first: it is due once in a long time
  if (!isDue(await readKeys(em.fork()))) return;
  await em.fork().transactional(async (transaction) => {
    if (isDue(await lockKeys(transaction))) await createKey(transaction, settings, { seconds: lead });
  });
}

/** Deletes the keys whose tokens have all expired. Revoked keys stay, so that their ids stay known as revoked. */
export async function deleteExpiredKeys(em: SqlEntityManager): Promise<void> {
  await em.fork().execute('delete from auth.signing_key where published_until < now() and revoked_at is null');
}

async function readSequence(transaction: SqlEntityManager): Promise<number> {
  const [row] = await transaction.execute<{ sequence: number }[]>(
    'select coalesce(max(sequence), 0)::float8 as sequence from auth.revocation',
  );
  return row?.sequence ?? 0;
}
