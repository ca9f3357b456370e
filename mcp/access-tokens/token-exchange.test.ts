import { expect, test } from 'vitest';
import { createAccessTokenVerifier } from '../../shared/resource-server/access-token-verifier.ts';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { createTokenExchange } from './token-exchange.ts';

const audience = 'http://mcp.example/mcp';

test('a late rejection of an older access token does not remove the newer one', async () => {
  await using issuer = await startTokenIssuer({ audience });
  const { keys } = createIssuer({ identifier: issuer.identifier });
  const verify = createAccessTokenVerifier({ issuer: issuer.identifier, audience, keys, isRevoked: () => false });
  let issued = 0;
  const exchange = createTokenExchange({
    resource: 'http://api.example',
    requestAccessToken: async () => {
      issued += 1;
      return { value: `token-${issued}`, issuedAt: Date.now(), expiresAt: Date.now() + 60_000, scopes: undefined };
    },
  });
  const source = exchange(await verify(await issuer.issue()), 'request-1');
  expect(await source.get()).toBe('token-1');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
  source.reject('token-1');
  expect(await source.get()).toBe('token-2');
});
