import { createHmac } from 'node:crypto';
import { errors } from 'oidc-provider';
import { expect, test } from 'vitest';
import { ConnectionEntity } from '../connections/connection.entity.ts';
import { createConnections } from '../connections/connections.ts';
import { openTestStatusLists } from '../testing/test-status-lists.ts';
import { createAdapterFactory, deleteExpiredArtifacts } from './adapter.ts';
import { ArtifactEntity } from './artifact.entity.ts';
import { hashArtifactId } from './artifact-adapter.ts';

async function open() {
  await using opening = new AsyncDisposableStack();
  const { em, statusLists } = opening.use(await openTestStatusLists());
  const repeated: string[] = [];
  const adapterFor = createAdapterFactory({
    em,
    clients: { find: async () => undefined },
    connections: createConnections({ em, statusLists }),
    refreshTokens: {
      successorKey: Buffer.alloc(32),
      grace: 60,
      noteRepeatedUse: (connectionId) => void repeated.push(connectionId),
    },
  });
  const allow = (id: string) =>
    em.fork().insert(ConnectionEntity, {
      id,
      accountId: 'usr_ada',
      clientId: 'holder',
      clientName: 'An assistant',
      redirectHost: 'localhost',
      resource: 'http://mcp.example',
      scopes: ['todos:read', 'todos:write'],
      expiresAt: new Date(Date.now() + 60_000),
    });
  const opened = opening.move();
  return { em, adapterFor, allow, repeated, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('an artifact is found until it expires or is destroyed, and is stored without its secret id', async () => {
  await using opened = await open();
  await opened.allow('con_1');
  const codes = opened.adapterFor('AuthorizationCode');
  await codes.upsert('one', { jti: 'one', grantId: 'con_1', accountId: 'usr_ada' }, 60);
  const payload = { jti: 'one', grantId: 'con_1', accountId: 'usr_ada' };
  expect(await codes.find('one')).toEqual(payload);
  expect(await opened.adapterFor('RefreshToken').find('one')).toBeUndefined();
  expect(JSON.stringify(await opened.em.fork().execute('select * from auth.artifact'))).not.toContain('"one"');
  await codes.consume('one');
  expect(await codes.find('one')).toEqual({ ...payload, consumed: expect.any(Number) });
  await codes.destroy('one');
  expect(await codes.find('one')).toBeUndefined();

  await codes.upsert('short', { jti: 'short' }, -1);
  expect(await codes.find('short')).toBeUndefined();
  await deleteExpiredArtifacts(opened.em);
  expect(await opened.em.fork().count(ArtifactEntity)).toBe(0);
});

test('the first decision about an interaction counts, and none after it was completed', async () => {
  await using opened = await open();
  const interactions = opened.adapterFor('Interaction');
  await interactions.upsert('one', { jti: 'one' }, 60);
  const decided = { jti: 'one', result: { consent: { grantId: 'con_1' } } };
  await interactions.upsert('one', decided, 60);
  await interactions.upsert('one', decided, 60);
  await expect(interactions.upsert('one', { jti: 'one', result: { error: 'access_denied' } }, 60)).rejects.toThrow(
    errors.SessionNotFound,
  );
  expect(await interactions.find('one')).toMatchObject({ result: decided.result });
  await interactions.destroy('one');
  await expect(interactions.destroy('one')).rejects.toThrow(errors.SessionNotFound);
  await expect(interactions.upsert('one', decided, 60)).rejects.toThrow(errors.SessionNotFound);
  expect(await interactions.find('one')).toBeUndefined();
});

test('an id that is too long, or that PostgreSQL cannot store, is not found', async () => {
  await using opened = await open();
  const codes = opened.adapterFor('AuthorizationCode');
  for (const id of ['\0', 'x'.repeat(100_000)]) expect(await codes.find(id)).toBeUndefined();
});

test('of eight concurrent redemptions of an authorization code one succeeds, and none without its connection', async () => {
  await using opened = await open();
  await opened.allow('con_1');
  const codes = opened.adapterFor('AuthorizationCode');
  await codes.upsert('one', { jti: 'one', grantId: 'con_1' }, 60);
  const uses = await Promise.allSettled(Array.from({ length: 8 }, () => codes.consume('one')));
  expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const { lastUsedAt } = await opened.em.fork().findOneOrFail(ConnectionEntity, { id: 'con_1' });
  expect(lastUsedAt).toBeInstanceOf(Date);
  await codes.upsert('two', { jti: 'two', grantId: 'con_2' }, 60);
  await expect(codes.consume('two')).rejects.toBeInstanceOf(errors.InvalidGrant);
});

test('a refresh token can be used again within the grace, until its successor is used', async () => {
  await using opened = await open();
  await opened.allow('con_1');
  const tokens = opened.adapterFor('RefreshToken');
  await tokens.upsert('one', { jti: 'one', grantId: 'con_1' }, 60);
  await tokens.consume('one');
  await tokens.consume('one');
  expect(opened.repeated).toEqual(['con_1']);
  expect(await tokens.find('one')).not.toHaveProperty('consumed');
  // the successor that follows from `one` and the key
  const successor = createHmac('sha256', Buffer.alloc(32)).update('one').digest('base64url');
  await tokens.upsert(successor, { jti: successor, grantId: 'con_1' }, 60);
  await tokens.consume(successor);
  await expect(tokens.consume('one')).rejects.toBeInstanceOf(errors.InvalidGrant);
  await opened.em
    .fork()
    .execute(`update auth.artifact set consumed_at = now() - interval '61 seconds' where id = ?`, [
      hashArtifactId('one'),
    ]);
  expect(await tokens.find('one')).toHaveProperty('consumed');
});

test('a grant is a connection, and its destruction deletes everything that belongs to it', async () => {
  await using opened = await open();
  await opened.allow('con_1');
  const grants = opened.adapterFor('Grant');
  expect(await grants.find('con_1')).toMatchObject({
    accountId: 'usr_ada',
    clientId: 'holder',
    resources: { 'http://mcp.example': 'todos:read todos:write' },
  });
  await opened.adapterFor('RefreshToken').upsert('one', { jti: 'one', grantId: 'con_1' }, 60);
  await grants.destroy('con_1');
  expect(await grants.find('con_1')).toBeUndefined();
  expect(await opened.adapterFor('RefreshToken').find('one')).toBeUndefined();
});

test('an interaction is completed once', async () => {
  await using opened = await open();
  const interactions = opened.adapterFor('Interaction');
  await interactions.upsert('one', { jti: 'one' }, 60);
  await interactions.destroy('one');
  await expect(interactions.destroy('one')).rejects.toBeInstanceOf(errors.SessionNotFound);
});

test('of eight concurrent uses of a client assertion one succeeds, and its id can be used again after it expires', async () => {
  await using opened = await open();
  const replays = opened.adapterFor('ReplayDetection');
  const uses = await Promise.allSettled(Array.from({ length: 8 }, () => replays.upsert('jti', { iss: 'program' }, 60)));
  expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const rejected = uses.filter((use) => use.status === 'rejected');
  expect(rejected.every(({ reason }) => reason instanceof errors.InvalidClientAuth)).toBe(true);
  await replays.upsert('expired', { iss: 'program' }, -1);
  await expect(replays.upsert('expired', { iss: 'program' }, 60)).resolves.toBeUndefined();
});
