import Router, { type RouterContext } from '@koa/router';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { endSessions } from '../accounts/accounts.ts';
import { insertSuccess } from '../audit/audit.ts';
import { isClientId } from '../clients/client-id.ts';
import type { Connections } from '../connections/connections.ts';
import { PageError } from '../pages/page-error.ts';
import { redirect } from '../pages/send-page.ts';
import type { PersonSessions } from '../provider/person-sessions.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import type { AccountRequests } from './account-requests.ts';
import type { AccountView } from './account-view.ts';
import { originOf } from './sign-in.ts';

/** How long the page waits until the resource servers have confirmed a revocation. */
const CONFIRMATION_WAIT_MS = 2_000;

/** Creates the page of a person's account, with which access is taken back and sessions are ended. */
export function accountRoutes({
  em,
  requests,
  view,
  sessions,
  connections,
  propagation,
}: {
  em: SqlEntityManager;
  requests: AccountRequests;
  view: AccountView;
  sessions: PersonSessions;
  connections: Pick<Connections, 'revoke'>;
  propagation: Pick<Propagation, 'waitUntilConfirmed'>;
}): Router {
  const router = new Router();
  router.get('/account', showAccount);
  router.post('/account/take-back', takeBack);
  router.post('/account/end-sessions', endOtherSessions);
  return router;

  async function showAccount(ctx: RouterContext): Promise<void> {
    const session = await sessions.find(ctx);
    if (session === undefined) redirect(ctx, '/sign-in');
    else await view.show(ctx, session);
  }

  async function takeBack(ctx: RouterContext): Promise<void> {
    const { session, form } = await requests.readForm(ctx);
    const accountId = session.account.id;
    const started = performance.now();
    const [id, clientId] = [form.get('connection'), form.get('client')];
    if ((id === null && clientId === null) || ![id ?? 'x', clientId ?? 'x'].every(isClientId))
      throw new PageError(400, 'This form is not complete', 'Go back, and send the form again.');
    const { revoked, sequence } = await connections.revoke(
      id === null ? { accountId, clientId: clientId ?? '' } : { id, accountId },
      { ...originOf(ctx, session.account), reason: 'taken back by the person' },
    );
    if (revoked.length === 0) {
      await view.show(ctx, session, { notice: 'This access was taken back before.' });
      return;
    }
    const { confirmed, pending } = await propagation.waitUntilConfirmed(sequence, ctx, CONFIRMATION_WAIT_MS);
    const all = confirmed.length + pending.length;
    const milliseconds = Math.round(performance.now() - started);
    await view.show(ctx, session, {
      notice:
        all === 0
          ? 'Taken back. No resource server has confirmed it: none authenticates at the status lists.'
          : `Taken back. Confirmed by ${confirmed.length} of ${all} resource servers in ${milliseconds} ms.`,
    });
  }

  async function endOtherSessions(ctx: RouterContext): Promise<void> {
    const { session } = await requests.readForm(ctx);
    const { account } = session;
    await view.answer(ctx, session, async () => {
      await em.fork().transactional(async (transaction) => {
        await endSessions(transaction, account.id);
        await insertSuccess(transaction, originOf(ctx, account), 'user.end-sessions', account.id, {});
      });
      await sessions.renew(ctx, session);
      return 'sessions';
    });
  }
}
