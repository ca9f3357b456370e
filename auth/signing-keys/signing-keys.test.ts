import { randomBytes } from 'node:crypto';
import { CompactSign, type CryptoKey, compactVerify, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { rotateKeys } from './key-rotation.ts';
import type { KeySettings, SigningKey } from './key-store.ts';
import { PRIVATE_JWK_MEMBERS } from './public-jwk.ts';
import { findOrCreateServerSecrets } from './server-secrets.ts';
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts';
import { openSigningKeys } from './signing-keys.ts';

const logger = pino({ level: 'silent' });
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const ORIGIN = { actor: 'admin', address: null, requestId: null };

async function open() {
  await using opening = new AsyncDisposableStack();
  const { em } = opening.use(await openOrm(opening.use(await openTestDatabase()), authDatabase));
  const settings: KeySettings = { algorithm: 'ES256', keyEncryptionKeys: [oldKey], accessTokenTtl: 60 };
  let clock = Date.now();
  const opened = opening.move();
  return {
    em,
    settings,
    openKeys: (changed: Partial<KeySettings> = {}) =>
      openSigningKeys({ em, logger, now: () => clock, ...settings, ...changed }),
    pass: (milliseconds: number) => {
      clock += milliseconds;
    },
    /** Creates a next key, as another process does. */
    rotate: () => rotateKeys(em, settings, { seconds: 600, origin: ORIGIN }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const sign = ({ alg, kid, ...key }: SigningKey) =>
  new SignJWT({}).setProtectedHeader({ alg, kid }).sign({ alg, ...key });

test('a signing key is created once, and every later start uses it', async () => {
  await using opened = await open();
  const [first, second] = await Promise.all([opened.openKeys(), opened.openKeys()]);
  const { kid, d } = first.active();
  expect(second.active()).toEqual(first.active());
  expect((await opened.openKeys()).ids()).toEqual({ published: [kid], revoked: [] });
  const events = await opened.em.execute('select action, target, detail from auth.audit_event');
  expect(events).toEqual([{ action: 'key.create', target: kid, detail: { alg: 'ES256', signs_in: 0 } }]);
  expect(JSON.stringify(events)).not.toContain(d);
});

test('neither the database nor the published key set contains a private key', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const { d, x, y, kid } = keys.active();
  const stored = JSON.stringify(await opened.em.execute('select * from auth.signing_key'));
  expect(d).toMatch(/^[\w-]{43}$/);
  expect(stored).not.toContain(d);
  expect(await keys.keySet()).toEqual({ keys: [{ kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' }] });
});

test.each(SIGNING_ALGORITHMS)(
  'a key for %s signs, and what it signed is verified with the published half',
  async (alg) => {
    await using opened = await open();
    const keys = await opened.openKeys({ algorithm: alg });
    const { kid } = keys.active();
    const signed = await new CompactSign(Buffer.from('signed'))
      .setProtectedHeader({ alg, kid })
      .sign(await importJWK(keys.active(), alg));
    const [published = {}] = (await keys.keySet()).keys;
    expect(PRIVATE_JWK_MEMBERS.filter((member) => member in published)).toEqual([]);
    const publicKey: CryptoKey | Uint8Array | JWK = await importJWK(published, alg);
    expect(await compactVerify(signed, publicKey)).toMatchObject({ protectedHeader: { alg } });
  },
);

test('another algorithm is that of the next key, which is published before it signs', async () => {
  await using opened = await open();
  const { kid: first } = (await opened.openKeys()).active();
  const keys = await opened.openKeys({ algorithm: 'EdDSA' });
  const [second = '', ...others] = keys.ids().published;
  expect(others).toEqual([first]);
  expect(keys.active().kid).toBe(first);
  opened.pass(601_000);
  expect(keys.active()).toMatchObject({ kid: second, alg: 'EdDSA' });
  // a second process with the same setting creates no other key
  expect((await opened.openKeys({ algorithm: 'EdDSA' })).ids().published).toEqual([second, first]);
});

test('auth does not start when a key was encrypted with another key encryption key', async () => {
  await using opened = await open();
  await opened.openKeys();
  const other = opened.openKeys({ keyEncryptionKeys: [newKey] });
  await expect(other).rejects.toMatchObject({ name: 'SecretUnreadableError' });
  await expect(other).rejects.toThrow(/AUTH_KEY_ENCRYPTION_KEY/);
});

test('the key encryption key is replaced by giving both, and loses neither keys nor secrets', async () => {
  await using opened = await open();
  const { em } = opened;
  const { kid } = (await opened.openKeys()).active();
  const secrets = await findOrCreateServerSecrets({ em, keyEncryptionKeys: [oldKey] });
  // as long as the old key is the first one, processes that know only the old one can start
  for (const keyEncryptionKeys of [[oldKey, newKey], [oldKey], [newKey, oldKey], [newKey]] as const) {
    expect((await opened.openKeys({ keyEncryptionKeys })).active().kid).toBe(kid);
    expect(await findOrCreateServerSecrets({ em, keyEncryptionKeys })).toEqual(secrets);
  }
  await expect(opened.openKeys({ keyEncryptionKeys: [oldKey] })).rejects.toThrow(/AUTH_KEY_ENCRYPTION_KEY/);
  const old = findOrCreateServerSecrets({ em, keyEncryptionKeys: [oldKey] });
  await expect(old).rejects.toMatchObject({ name: 'SecretUnreadableError' });
});

test('a key that another process created verifies tokens and is published without its private members', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const next = await opened.rotate();
  const other = await opened.openKeys();
  const key = other.get(next);
  if (key === undefined) throw new Error('the other process does not have the key');
  const { generation } = keys;
  const before = generation();
  await jwtVerify(await sign(key), keys.find);
  expect(generation()).toBeGreaterThan(before);
  const { keys: published } = await keys.keySet();
  expect(published.map(({ kid }) => kid)).toEqual([next, keys.active().kid]);
  for (const key of published) expect(key).not.toHaveProperty('d');
});

test('a token that names no key is not verified', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const { kid, ...key } = keys.active();
  const unnamed = await new SignJWT({}).setProtectedHeader({ alg: key.alg }).sign(key);
  await expect(jwtVerify(unnamed, keys.find)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
});

test('made-up key ids cause one read of the database per second', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const read = vi.spyOn(opened.em, 'fork');
  const rejectMadeUpKey = async () => {
    const madeUp = await sign({ ...keys.active(), kid: 'made up' });
    await expect(jwtVerify(madeUp, keys.find)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  };
  for (let i = 0; i < 5; i += 1) await rejectMadeUpKey();
  expect(read).toHaveBeenCalledTimes(1);
  opened.pass(999);
  await rejectMadeUpKey();
  expect(read).toHaveBeenCalledTimes(1);
  opened.pass(1);
  await rejectMadeUpKey();
  expect(read).toHaveBeenCalledTimes(2);
});

test('if the database is unreachable, an unknown key is a 503 and not an invalid token', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const next = await opened.rotate();
  const key = (await opened.openKeys()).get(next);
  const token = await sign({ ...keys.active(), ...key });
  const unreachable = vi.spyOn(opened.em, 'fork').mockImplementationOnce(() => {
    throw new Error('the database is unreachable');
  });
  await expect(jwtVerify(token, keys.find)).rejects.toMatchObject({ name: 'ServiceUnavailableError', status: 503 });
  expect(unreachable).toHaveBeenCalled();
  opened.pass(1_000);
  await jwtVerify(token, keys.find);
});

test('if the database is unreachable or hangs, the cached keys are still published and verify tokens', async () => {
  await using opened = await open();
  const keys = await opened.openKeys();
  const fork = vi.spyOn(opened.em, 'fork').mockImplementationOnce(() => {
    throw new Error('the database is unreachable');
  });
  expect((await keys.keySet()).keys).toHaveLength(1);
  opened.pass(1_000);
  const hanging = opened.em.fork();
  vi.spyOn(hanging, 'execute').mockReturnValue(new Promise(() => undefined));
  fork.mockReturnValueOnce(hanging);
  expect((await keys.keySet()).keys).toHaveLength(1);
  await jwtVerify(await sign(keys.active()), keys.find);
});
