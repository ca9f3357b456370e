import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import * as z from 'zod';
import { findPresentedSecret } from '../clients/client-secret.ts';

const Secrets = z.array(z.object({ hash: z.string(), expiresAt: z.coerce.date().nullable() }));

/**
 * Compares a presented client secret with the stored hashes. oidc-provider compares it with the one `client_secret` of
 * the metadata, in plain text. It supports replacing this method (panva/node-oidc-provider#631).
 * @param noteSecretUse receives the hash of each secret that a client presented correctly.
 */
export function applyClientSecrets(provider: Provider, noteSecretUse: (hash: string) => void): void {
  // an instance of Client lives until the client changes, so its secrets are parsed once
  const parsed = new WeakMap<Client, z.infer<typeof Secrets>>();

  provider.Client.prototype.compareClientSecret = function compareClientSecret(this: Client, presented: string) {
    const secrets = parsed.get(this) ?? Secrets.parse(this.secrets);
    parsed.set(this, secrets);
    const found = findPresentedSecret(secrets, presented);
    if (found !== undefined) noteSecretUse(found.hash);
    return found !== undefined;
  };
}
