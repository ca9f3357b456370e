import { hash } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { errors, Provider } from 'oidc-provider';
import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { serve } from '../../shared/http/serve.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { openClients } from '../clients/clients.ts';
import { authDatabase } from '../database/definition.ts';
import { createAdapterFactory, deleteExpiredArtifacts } from './adapter.ts';
import { ArtifactEntity } from './artifact.entity.ts';

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const clients = opening.use(await openClients({ database, em }));
  const adapterFor = createAdapterFactory({ em, clients });
  const opened = opening.move();
  return { em, adapterFor, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('an artifact is found until it expires or is destroyed, and is marked as consumed', async () => {
  await using opened = await open();
  const codes = opened.adapterFor('AuthorizationCode');
  await codes.upsert('one', { grantId: 'grant', uid: 'uid', userCode: 'user-code', accountId: 'alice' }, 60);
  const payload = { grantId: 'grant', uid: 'uid', userCode: 'user-code', accountId: 'alice' };
  expect(await codes.find('one')).toEqual(payload);
  expect(await codes.findByUid('uid')).toEqual(payload);
  expect(await codes.findByUserCode('user-code')).toEqual(payload);
  expect(await opened.adapterFor('RefreshToken').find('one')).toBeUndefined();
  await codes.consume('one');
  expect(await codes.find('one')).toEqual({ ...payload, consumed: expect.any(Number) });
  await codes.destroy('one');
  expect(await codes.find('one')).toBeUndefined();

  await codes.upsert('two', { grantId: 'grant' }, 60);
  await codes.upsert('three', { grantId: 'another' }, 60);
  await codes.revokeByGrantId('grant');
  expect(await codes.find('two')).toBeUndefined();
  expect(await codes.find('three')).toBeDefined();

  await codes.upsert('short', {}, -1);
  expect(await codes.find('short')).toBeUndefined();
  await deleteExpiredArtifacts(opened.em);
  expect(await opened.em.fork().count(ArtifactEntity)).toBe(1);
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

test('of four concurrent redemptions of an authorization code one succeeds', async () => {
  await using opened = await open();
  const port = await getFreePort();
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const client = {
    client_id: 'program',
    client_secret: 'a secret of many letters',
    redirect_uris: ['https://program.example/callback'],
    grant_types: ['authorization_code'],
  };
  const provider = new Provider(issuer, {
    // auth does not offer authorization codes yet: this is the code of oidc-provider on the storage of auth
    adapter: (model) =>
      model === 'Client' ? { ...opened.adapterFor(model), find: async () => client } : opened.adapterFor(model),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    features: { devInteractions: { enabled: false } },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60 },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    cookies: { keys: ['a key'] },
  });
  await using _server = await serve(provider.callback(), { port, host: '127.0.0.1' });
  const found = await provider.Client.find('program');
  if (found === undefined) throw new Error('no client');
  const grant = new provider.Grant({ clientId: 'program', accountId: 'alice' });
  grant.addOIDCScope('openid');
  const verifier = 'v'.repeat(43);
  const code = await new provider.AuthorizationCode({
    client: found,
    accountId: 'alice',
    grantId: await grant.save(),
    gty: 'authorization_code',
    redirectUri: 'https://program.example/callback',
    scope: 'openid',
    codeChallenge: hash('sha256', verifier, 'base64url'),
    codeChallengeMethod: 'S256',
  }).save();
  const redeem = () =>
    fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('program:a secret of many letters'.replaceAll(' ', '+'))}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'https://program.example/callback',
        code_verifier: verifier,
      }),
    });
  const answers = await Promise.all([redeem(), redeem(), redeem(), redeem()]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
});
