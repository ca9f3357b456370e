import { expect, test } from 'vitest';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { createOwnTokenVerifier } from './own-token-verifier.ts';

test('only a status of an existing form is accepted in a token of this server', async () => {
  await using signer = await startTokenIssuer({ audience: 'http://api.example' });
  const issuer = signer.identifier;
  const verify = createOwnTokenVerifier({ issuer, signingKeys: createIssuer({ identifier: issuer }).keys });
  const verifyStatus = async (uri: string, idx = 0) =>
    verify(await signer.issue({ claims: { status: { status_list: { idx, uri } } } }));
  const list = `${issuer}/oauth/status-lists/1`;
  expect(await verifyStatus(list)).toMatchObject({ status: { status_list: { idx: 0, uri: list } } });
  expect(await verifyStatus(list, 131_071)).toMatchObject({ sub: 'alice' });
  for (const id of ['', '0', '01', '1e0', '1.0', '1?x', '1/', '1#', '..', '-1', ' 1', '12345678901'])
    await expect(verifyStatus(`${issuer}/oauth/status-lists/${id}`), id).rejects.toMatchObject({ reason: 'invalid' });
  await expect(verifyStatus('http://other.example/oauth/status-lists/1')).rejects.toMatchObject({ reason: 'invalid' });
  await expect(verifyStatus(list, 131_072)).rejects.toMatchObject({ reason: 'invalid' });
});
