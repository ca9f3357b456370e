import { decodeProtectedHeader } from 'jose';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { SIGNING_ALGORITHMS } from '../../auth/signing-keys/signing-algorithms.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startSystem } from '../support/start-system.ts';

const KeySet = z.object({ keys: z.array(z.record(z.string(), z.string())) });

/** The members that describe a public key (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2). */
const PUBLIC_MEMBERS = { ES256: ['crv', 'x', 'y'], EdDSA: ['crv', 'x'], RS256: ['n', 'e'], PS256: ['n', 'e'] };

test.each(SIGNING_ALGORITHMS)(
  'an access token signed with %s is accepted by api, introspected with a signature, and revoked',
  async (alg) => {
    await using system = await startSystem({ AUTH_SIGNING_ALG: alg });
    const client = await system.registerClient();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => system.getAccessToken(client)));
    const { keys } = KeySet.parse(await (await fetch(`${system.issuer}/oauth/jwks`)).json());
    expect(keys).toMatchObject([{ alg, use: 'sig' }]);
    const members = ['kty', 'kid', 'alg', 'use', ...PUBLIC_MEMBERS[alg]];
    expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual(members.toSorted());

    const useAtApi = async (token: string) => {
      const response = await requestTodos(system.apiResource, token);
      return { status: response.status, challenge: response.headers.get('www-authenticate') };
    };
    for (const token of tokens) {
      expect(decodeProtectedHeader(token)).toEqual({ alg, typ: 'at+jwt', kid: keys[0]?.kid });
      expect(await useAtApi(token)).toEqual({ status: 200, challenge: null });
    }

    const [token = ''] = tokens;
    const accept = 'application/token-introspection+jwt';
    const introspection = await postAsClient(`${system.issuer}/oauth/introspect`, client, { token }, { accept });
    expect(decodeProtectedHeader(await introspection.text())).toMatchObject({ alg, kid: keys[0]?.kid });

    const revocation = await postAsClient(`${system.issuer}/oauth/revoke`, client, { token });
    expect(revocation.status).toBe(200);
    // the status list is signed with the same key
    await vi.waitFor(
      async () =>
        expect(await useAtApi(token)).toEqual({
          status: 401,
          challenge: expect.stringContaining('error="invalid_token", error_description="The access token was revoked"'),
        }),
      { timeout: 10_000, interval: 5 },
    );
  },
);
