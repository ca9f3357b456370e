import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { lockAccount } from '../accounts/accounts.ts';
import { PasskeyEntity, type PasskeyRow } from './passkey.entity.ts';
import type { NewPasskey } from './passkeys.ts';
import { PasswordEntity } from './password.entity.ts';

/** How the person of an account can sign in. */
export type Authenticators = { readonly passkeys: readonly PasskeyRow[]; readonly passwordChangedAt: Date | undefined };

/** Reads how the person of an account can sign in. `em` is a fork or a transaction. */
export async function readAuthenticators(em: SqlEntityManager, accountId: string): Promise<Authenticators> {
  const passkeys = await em.find(
    PasskeyEntity,
    { accountId },
    { orderBy: { createdAt: 'asc' }, disableIdentityMap: true },
  );
  const password = await em.findOne(PasswordEntity, { accountId }, { disableIdentityMap: true });
  return { passkeys, passwordChangedAt: password?.changedAt };
}

/** Sets the password of an account in `transaction`. `hash` is in the PHC string format. */
export async function setPassword(transaction: SqlEntityManager, accountId: string, hash: string): Promise<void> {
  await transaction.upsert(PasswordEntity, { accountId, hash, changedAt: new Date() });
}

/** Adds a passkey to an account in `transaction`. */
export async function addPasskey(
  transaction: SqlEntityManager,
  accountId: string,
  passkey: NewPasskey,
  name: string,
): Promise<void> {
  await transaction.insert(PasskeyEntity, { ...passkey, accountId, name });
}

/** A way to sign in that a person removes. */
export type RemovedAuthenticator = { readonly passkeyId: string } | 'password';

/** Removes a way to sign in, in `transaction`, unless it is the last one. */
export async function removeAuthenticator(
  transaction: SqlEntityManager,
  accountId: string,
  removed: RemovedAuthenticator,
): Promise<'removed' | 'last' | 'not-found'> {
  // two requests at once must not remove both of two
  await lockAccount(transaction, accountId);
  const { passkeys, passwordChangedAt } = await readAuthenticators(transaction, accountId);
  const exists =
    removed === 'password' ? passwordChangedAt !== undefined : passkeys.some(({ id }) => id === removed.passkeyId);
  if (!exists) return 'not-found';
  if (passkeys.length + (passwordChangedAt === undefined ? 0 : 1) === 1) return 'last';
  if (removed === 'password') await transaction.nativeDelete(PasswordEntity, { accountId });
  else await transaction.nativeDelete(PasskeyEntity, { id: removed.passkeyId, accountId });
  return 'removed';
}
