import { type AccountClaims, type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { Account } from '../accounts/account.entity.ts';
import { isLiveSession } from './person-sessions.ts';
import { findAccountOfToken } from './token-connection.ts';

/** The path below which the pages of authorization requests are. */
export const INTERACTION_PATH = '/interaction';

/** Seconds for which a person may take to sign in and to decide. */
export const INTERACTION_TTL_SECONDS = 600;

/**
 * Creates the settings that ask a person. Consent is asked for each authorization request, because a client id proves nothing
 * about the program that uses it (RFC 8252 §8.6). A session of an account that was disabled, or that was ended, is not signed
 * in.
 */
export function createInteractionSettings({
  findAccount,
}: {
  findAccount: (id: string) => Promise<Account | undefined>;
}): Pick<Configuration, 'interactions' | 'findAccount' | 'loadExistingGrant'> {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')
    ?.checks.add(
      new Check(
        'session_ended',
        'the session has ended',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    );
  const consent = policy.get('consent');
  consent?.checks.clear();
  consent?.checks.add(
    new Check(
      'asked_each_time',
      'consent is asked for each connection',
      'consent_required',
      ({ oidc }) => !oidc.result?.consent,
    ),
  );
  return {
    interactions: { policy, url: (_ctx, { uid }) => `${INTERACTION_PATH}/${uid}` },
    async findAccount(ctx, id) {
      const account = findAccountOfToken(id) ?? (await findAccount(id));
      if (account === undefined || !account.active || isEndedSession(ctx, account)) return undefined;
      return { accountId: id, claims: async (): Promise<AccountClaims> => ({ sub: id }) };
    },
    async loadExistingGrant({ oidc }) {
      const grantId = oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
    },
  };
}

function isEndedSession({ oidc }: KoaContextWithOIDC, account: Account): boolean {
  const { session } = oidc;
  return session !== undefined && !isLiveSession(session.loginTs, account);
}
