import Router, { type RouterContext } from '@koa/router';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Middleware } from 'koa';
import { parseBody } from '../../shared/http/parse-body.ts';
import type { Challenges } from '../../shared/resource-server/challenge.ts';
import { type Authorized, requireScope } from '../../shared/resource-server/koa.ts';
import { type DescribedKey, listKeys, revokeKey, rotateKeys } from '../signing-keys/key-rotation.ts';
import type { KeySettings } from '../signing-keys/key-store.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { type KeyResponse, NewKeyRequest, type RevocationResponse } from './contract.ts';
import { originOf } from './request-origin.ts';

/** Creates the routes below `/admin` about signing keys. No response contains a private key. */
export function keyRoutes({
  em,
  keySettings,
  statusLists,
  propagation,
  authenticate,
  challenges,
}: {
  em: SqlEntityManager;
  keySettings: KeySettings;
  statusLists: Pick<StatusLists, 'catchUp'>;
  propagation: Propagation;
  /** It runs again after a body was received, because the access token may have been revoked meanwhile. */
  authenticate: Middleware<Authorized>;
  challenges: Challenges;
}): Router<Authorized> {
  const router = new Router<Authorized>({ prefix: '/admin', sensitive: true });
  const requireAdminScope = requireScope('admin', challenges);

  router.get('/keys', authenticate, requireAdminScope, list);
  router.post<{ body: NewKeyRequest }>(
    '/keys',
    authenticate,
    requireAdminScope,
    parseBody(NewKeyRequest),
    authenticate,
    rotate,
  );
  router.delete('/keys/:kid', authenticate, requireAdminScope, revoke);
  return router;

  async function list(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = (await listKeys(em)).map(toKeyResponse);
  }

  /** Answers with the next key. It is the same one when a next key exists already. */
  async function rotate(ctx: RouterContext<Authorized & { body: NewKeyRequest }>): Promise<void> {
    const kid = await rotateKeys(em, keySettings, { seconds: ctx.state.body.signs_in, origin: originOf(ctx) });
    await statusLists.catchUp();
    ctx.body = (await listKeys(em)).filter((key) => key.kid === kid).map(toKeyResponse)[0];
  }

  async function revoke(ctx: RouterContext<Authorized>): Promise<void> {
    const sequence = await revokeKey(em, keySettings, { kid: ctx.params.kid ?? '', origin: originOf(ctx) });
    await statusLists.catchUp();
    ctx.body = { sequence, ...(await propagation.query(sequence)) } satisfies RevocationResponse;
  }
}

function toKeyResponse({ kid, alg, status, createdAt, signsFrom, publishedUntil, revokedAt }: DescribedKey) {
  return {
    kid,
    alg,
    status,
    created_at: new Date(createdAt).toISOString(),
    signs_from: new Date(signsFrom).toISOString(),
    published_until: toTime(publishedUntil),
    revoked_at: toTime(revokedAt),
  } satisfies KeyResponse;
}

function toTime(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
