import Router, { type RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { parseBody } from '../../shared/http/parse-body.ts';
import { parseRequest } from '../../shared/http/parse-request.ts';
import type { Challenges } from '../../shared/resource-server/challenge.ts';
import { type Authorized, requireScope } from '../../shared/resource-server/koa.ts';
import type { ConnectionRow } from '../connections/connection.entity.ts';
import type { Connections } from '../connections/connections.ts';
import type { ConnectionSelection } from '../connections/revoke-connections.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import {
  ConnectionQuery,
  type ConnectionResponse,
  type ConnectionRevocationResponse,
  NewInvitationRequest,
  NewRecoveryRequest,
  UserChanges,
} from './contract.ts';
import { originOf } from './request-origin.ts';
import type { Users } from './users.ts';

/** Creates the routes below `/admin` about accounts and their connections. */
export function userRoutes({
  users,
  connections,
  propagation,
  authenticate,
  challenges,
}: {
  users: Users;
  connections: Connections;
  propagation: Propagation;
  /** It runs again after a body was received, because the access token may have been revoked meanwhile. */
  authenticate: Middleware<Authorized>;
  challenges: Challenges;
}): Router<Authorized> {
  const router = new Router<Authorized>({ prefix: '/admin', sensitive: true });
  const requireAdminScope = requireScope('admin', challenges);

  router.post<{ body: NewInvitationRequest }>(
    '/invitations',
    authenticate,
    requireAdminScope,
    parseBody(NewInvitationRequest),
    authenticate,
    inviteUser,
  );
  router.get('/users', authenticate, requireAdminScope, listUsers);
  router.get('/users/:username', authenticate, requireAdminScope, getUser);
  router.patch<{ body: UserChanges }>(
    '/users/:username',
    authenticate,
    requireAdminScope,
    parseBody(UserChanges),
    authenticate,
    changeUser,
  );
  router.delete('/users/:username', authenticate, requireAdminScope, deleteUser);
  router.post<{ body: NewRecoveryRequest }>(
    '/users/:username/recoveries',
    authenticate,
    requireAdminScope,
    parseBody(NewRecoveryRequest),
    authenticate,
    recoverUser,
  );
  router.get('/connections', authenticate, requireAdminScope, listConnections);
  router.delete('/connections', authenticate, requireAdminScope, revokeConnections);
  return router;

  async function inviteUser(ctx: RouterContext<Authorized & { body: NewInvitationRequest }>): Promise<void> {
    const { username, hours } = ctx.state.body;
    ctx.body = await users.invite(username, hours, originOf(ctx));
    ctx.status = 201;
  }

  async function recoverUser(ctx: RouterContext<Authorized & { body: NewRecoveryRequest }>): Promise<void> {
    ctx.body = await users.recover(ctx.params.username ?? '', ctx.state.body.hours, originOf(ctx));
    ctx.status = 201;
  }

  async function listUsers(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await users.list();
  }

  async function getUser(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await users.get(ctx.params.username ?? '');
  }

  async function changeUser(ctx: RouterContext<Authorized & { body: UserChanges }>): Promise<void> {
    ctx.body = await users.setActive(ctx.params.username ?? '', ctx.state.body.active, originOf(ctx));
  }

  async function deleteUser(ctx: RouterContext<Authorized>): Promise<void> {
    ctx.body = await users.delete(ctx.params.username ?? '', originOf(ctx));
  }

  async function listConnections(ctx: RouterContext<Authorized>): Promise<void> {
    const { username, client_id } = parseRequest(ConnectionQuery, { ...ctx.query }, 'query');
    const accountId = username === undefined ? undefined : await users.findId(username);
    const found = await connections.list({ accountId, clientId: client_id });
    const names = await users.names(found.map((connection) => connection.accountId));
    ctx.body = found.map((connection) =>
      toConnectionResponse(connection, names.get(connection.accountId) ?? connection.accountId),
    );
  }

  async function revokeConnections(ctx: RouterContext<Authorized>): Promise<void> {
    const selection = await parseSelection(ctx);
    const request = { ...originOf(ctx), reason: 'revoked by an administrator' };
    const { revoked, sequence } = await connections.revoke(selection, request);
    if (revoked.length === 0 && selection.id !== undefined)
      throw new HttpError('connection_not_found', 'There is no connection with this id.');
    ctx.body = {
      revoked: revoked.map(({ id }) => id),
      sequence,
      ...(await propagation.query(sequence)),
    } satisfies ConnectionRevocationResponse;
  }

  async function parseSelection(ctx: RouterContext<Authorized>): Promise<ConnectionSelection> {
    const { id, username, client_id: clientId } = parseRequest(ConnectionQuery, { ...ctx.query }, 'query');
    const accountId = username === undefined ? undefined : await users.findId(username);
    if (id !== undefined) return { id, ...(accountId !== undefined && { accountId }) };
    if (accountId !== undefined) return { accountId, ...(clientId !== undefined && { clientId }) };
    if (clientId !== undefined) return { clientId };
    throw new InvalidRequestError([{ field: 'query', expected: 'id, username or client_id' }]);
  }
}

function toConnectionResponse(connection: ConnectionRow, username: string): ConnectionResponse {
  const { id, clientId, clientName, scopes, resource, redirectHost, createdAt, lastUsedAt, expiresAt } = connection;
  return {
    id,
    username,
    client_id: clientId,
    client_name: clientName,
    scope: scopes.join(' '),
    resource,
    redirect_host: redirectHost,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
    expires_at: expiresAt.toISOString(),
  };
}
