import { RevocationResponse } from '../../auth/admin/contract.ts';
import type { System } from './start-system.ts';

/** Registers an administrator, who revokes access tokens and asks how far the revocations have propagated. */
export async function openAdministration(system: System) {
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const accessToken = await system.getAccessToken(admin, { resource: `${system.issuer}/admin` });
  const authorization = `Bearer ${accessToken}`;
  const send = (method: string, path: string, body?: object, origin = system.issuer) =>
    fetch(`${origin}/admin${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    send,
    async revoke(token: string, origin = system.issuer) {
      return RevocationResponse.parse(await (await send('POST', '/revocations', { token }, origin)).json());
    },
    /** Waits at most `seconds` until nothing is pending. */
    async confirm(sequence: number, { seconds, origin = system.issuer }: { seconds: number; origin?: string }) {
      const headers = { authorization, prefer: `wait=${seconds}` };
      const response = await fetch(`${origin}/admin/revocations/${sequence}`, { headers });
      return RevocationResponse.parse(await response.json());
    },
  };
}
