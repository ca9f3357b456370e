import { hash, randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { hasAnyAccount } from '../accounts/accounts.ts';
import { LINK_HOURS } from './link-lifetime.ts';
import { type LinkKind, OneTimeLinkEntity, type OneTimeLinkRow } from './one-time-link.entity.ts';

/** The path of the page to which a one-time link leads. */
export const WELCOME_PATH = '/welcome';

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** What a new link is for. */
export type NewLink = {
  readonly kind: LinkKind;
  readonly accountId?: string;
  readonly displayName?: string;
  /** The id of the client that asked for it. */
  readonly createdBy?: string | null;
  readonly hours?: number;
};

/** A link that was made. The token in it is in no other place. */
export type CreatedLink = { readonly url: string; readonly expiresAt: Date };

/**
 * Makes a one-time link in `transaction`. The token is in the fragment, which a browser sends to no server, so it is in no log
 * and no `Referer`. Only its hash is stored.
 */
export async function createLink(
  transaction: SqlEntityManager,
  issuer: string,
  { kind, accountId, displayName, createdBy = null, hours = LINK_HOURS }: NewLink,
): Promise<CreatedLink> {
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(Date.now() + hours * 3_600_000);
  await transaction.insert(OneTimeLinkEntity, {
    hash: hashToken(token),
    kind,
    accountId: accountId ?? null,
    displayName: displayName ?? null,
    createdBy,
    expiresAt,
  });
  return { url: `${issuer}${WELCOME_PATH}#${token}`, expiresAt };
}

/** Makes the link for the first account. @returns undefined when there is an account: then no such link works. */
export async function createSetupLink(em: SqlEntityManager, issuer: string): Promise<CreatedLink | undefined> {
  if (await hasAnyAccount(em)) return undefined;
  return createLink(em.fork(), issuer, { kind: 'setup' });
}

/** Finds what a link is for, and changes nothing. A link for the first account is valid until there is one. */
export async function findLink(em: SqlEntityManager, token: string): Promise<OneTimeLinkRow | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const found = await em
    .fork()
    .findOne(
      OneTimeLinkEntity,
      { hash: hashToken(token), expiresAt: { $gt: new Date() } },
      { disableIdentityMap: true },
    );
  if (found === null) return undefined;
  if (found.kind === 'setup' && (await hasAnyAccount(em))) return undefined;
  return found;
}

/** Uses a link up in `transaction`. @returns false when it was used, or has expired. */
export async function consumeLink(transaction: SqlEntityManager, token: string): Promise<boolean> {
  const { kind } =
    (
      await transaction.execute<{ kind: LinkKind }[]>(
        'delete from auth.one_time_link where hash = ? and expires_at > now() returning kind',
        [hashToken(token)],
      )
    )[0] ?? {};
  if (kind === undefined) return false;
  if (kind !== 'setup') return true;
  // two links for the first account make one account
  await transaction.execute("select pg_advisory_xact_lock(hashtext('auth first account'))");
  if (await hasAnyAccount(transaction)) return false;
  await transaction.execute("delete from auth.one_time_link where kind = 'setup'");
  return true;
}

/** Deletes the links that have expired. */
export async function deleteExpiredLinks(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(OneTimeLinkEntity, { expiresAt: { $lte: new Date() } });
}

function hashToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
