import Router, { type RouterContext } from '@koa/router';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Middleware } from 'koa';
import * as z from 'zod';
import { InvalidRequestError } from '../../shared/http/http-error.ts';
import { parseBody } from '../../shared/http/parse-body.ts';
import { parseRequest } from '../../shared/http/parse-request.ts';
import { InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { Challenges } from '../../shared/resource-server/challenge.ts';
import { type Authorized, requireScope } from '../../shared/resource-server/koa.ts';
import { listAuditEvents } from '../audit/audit.ts';
import type { Revocations } from '../revocation/revocations.ts';
import type { VerifyOwnToken } from '../signing-keys/own-token-verifier.ts';
import { getListId } from '../status-lists/list-uri.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import type { Administration } from './administration.ts';
import {
  type AuditEventResponse,
  AuditQuery,
  ClientChanges,
  NewClientRequest,
  NewRevocationRequest,
  NewSecretRequest,
  type RevocationResponse,
} from './contract.ts';
import { originOf } from './request-origin.ts';

const SEQUENCE = 'the sequence of a revocation';
const Sequence = z.coerce.number(SEQUENCE).int(SEQUENCE).min(0, SEQUENCE);

/**
 * Creates the routes below `/admin`. They are a resource server for administrators, and auth issues its access tokens.
 */
export function adminRoutes({
  issuer,
  em,
  administration,
  revocations,
  propagation,
  verifyOwnToken,
  authenticate,
  challenges,
}: {
  issuer: string;
  em: SqlEntityManager;
  administration: Administration;
  revocations: Revocations;
  propagation: Propagation;
  verifyOwnToken: VerifyOwnToken;
  /** It runs again after a body was received, because the access token may have been revoked meanwhile. */
  authenticate: Middleware<Authorized>;
  challenges: Challenges;
}): Router<Authorized> {
  const router = new Router<Authorized>({ prefix: '/admin', sensitive: true });
  const requireAdminScope = requireScope('admin', challenges);

  router.get('/clients', authenticate, requireAdminScope, listClients);
  router.post<{ body: NewClientRequest }>(
    '/clients',
    authenticate,
    requireAdminScope,
    parseBody(NewClientRequest),
    authenticate,
    createClient,
  );
  router.get('/clients/:id', authenticate, requireAdminScope, getClient);
  router.patch<{ body: ClientChanges }>(
    '/clients/:id',
    authenticate,
    requireAdminScope,
    parseBody(ClientChanges),
    authenticate,
    changeClient,
  );
  router.delete('/clients/:id', authenticate, requireAdminScope, deleteClient);
  router.post<{ body: NewSecretRequest }>(
    '/clients/:id/secrets',
    authenticate,
    requireAdminScope,
    parseBody(NewSecretRequest),
    authenticate,
    rotateSecret,
  );
  router.post<{ body: NewRevocationRequest }>(
    '/revocations',
    authenticate,
    requireAdminScope,
    parseBody(NewRevocationRequest),
    authenticate,
    revoke,
  );
  router.get('/revocations/:sequence', authenticate, requireAdminScope, getRevocation);
  router.get('/audit', authenticate, requireAdminScope, listAudit);
  return router;

  async function listClients(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await administration.listClients();
  }

  async function createClient(ctx: RouterContext<Authorized & { body: NewClientRequest }>): Promise<void> {
    const created = await administration.createClient(ctx.state.body, originOf(ctx));
    ctx.status = 201;
    ctx.set('location', `${issuer}/admin/clients/${created.client_id}`);
    ctx.body = created;
  }

  async function getClient(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await administration.getClient(ctx.params.id ?? '');
  }

  async function changeClient(ctx: RouterContext<Authorized & { body: ClientChanges }>): Promise<void> {
    ctx.body = await administration.changeClient(ctx.params.id ?? '', ctx.state.body, originOf(ctx));
  }

  async function deleteClient(ctx: RouterContext<Authorized>): Promise<void> {
    await administration.deleteClient(ctx.params.id ?? '', originOf(ctx));
    ctx.body = { message: 'The client was deleted, and its access tokens were revoked.' };
  }

  async function rotateSecret(ctx: RouterContext<Authorized & { body: NewSecretRequest }>): Promise<void> {
    ctx.status = 201;
    ctx.body = await administration.rotateSecret(ctx.params.id ?? '', ctx.state.body.overlap, originOf(ctx));
  }

  async function revoke(ctx: RouterContext<Authorized & { body: NewRevocationRequest }>): Promise<void> {
    const { body, accessToken } = ctx.state;
    const request = { ...originOf(ctx), actor: accessToken.clientId, reason: 'revoked by an administrator' };
    const sequence =
      'token' in body
        ? await revocations.revokeToken(await verifyToken(body.token), request)
        : await revocations.revokeClient((await administration.getClient(body.client_id)).client_id, request);
    ctx.status = 201;
    ctx.set('location', `${issuer}/admin/revocations/${sequence}`);
    ctx.body = { sequence, ...(await propagation.query(sequence)) } satisfies RevocationResponse;
  }

  /** Waits until every reader has confirmed the revocation, for as long as the request prefers (RFC 7240 §4.3). */
  async function getRevocation(ctx: RouterContext<Authorized>): Promise<void> {
    const sequence = parseRequest(Sequence, ctx.params.sequence, 'sequence');
    ctx.body = { sequence, ...(await propagation.waitUntilConfirmed(sequence, ctx)) } satisfies RevocationResponse;
  }

  async function listAudit(ctx: RouterContext<Authorized>): Promise<void> {
    const query = parseRequest(AuditQuery, { ...ctx.query }, 'query');
    ctx.body = (await listAuditEvents(em, query)).map(
      ({ id, at, actor, action, target, address, requestId: request_id, outcome, detail }) =>
        ({
          id,
          at: at.toISOString(),
          actor: actor ?? null,
          action,
          target: target ?? null,
          address: address ?? null,
          request_id: request_id ?? null,
          outcome,
          detail,
        }) satisfies AuditEventResponse,
    );
  }

  async function verifyToken(token: string) {
    try {
      const { jti, client_id, status } = await verifyOwnToken(token);
      const { idx, uri } = status.status_list;
      return { jti, clientId: client_id, list: getListId(issuer, uri), index: idx };
    } catch (error) {
      if (!(error instanceof InvalidAccessTokenError)) throw error;
      throw new InvalidRequestError(
        [{ field: 'token', expected: 'an access token of this issuer that has not expired' }],
        error,
      );
    }
  }
}
