import { hash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { withoutLoopbackPort } from '../clients/redirect-uri.ts';
import { RedirectUris, SelfDeclaredName, SelfDeclaredUri } from '../clients/self-declared-metadata.ts';

const METHODS = ['none', 'client_secret_basic', 'client_secret_post'] as const;

/**
 * The members of a registration request (RFC 7591 §2) that count. Every other member is ignored, so what a client gets never
 * depends on it (RFC 7591 §2: the server may replace or ignore members).
 */
export const RegistrationRequest = z.preprocess(
  dropNulls,
  z.object(
    {
      client_name: SelfDeclaredName.optional(),
      client_uri: SelfDeclaredUri.optional(),
      redirect_uris: RedirectUris,
      token_endpoint_auth_method: z.enum(METHODS, METHODS.join(', ')).default('none'),
    },
    'a JSON object',
  ),
);
export type RegistrationRequest = z.infer<typeof RegistrationRequest>;

/** Some clients write null for an absent member. */
function dropNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/**
 * The id of a client that registers itself. For a public client it follows from everything that is stored of it, so that the
 * same software is one client, also after it was deleted here, and no other metadata can be registered under its id. The port
 * of a loopback redirect URI is left out, because it differs at each start of a native client.
 */
export function createDynamicClientId(request: RegistrationRequest): string {
  const { client_name = '', client_uri = '', token_endpoint_auth_method: method } = request;
  if (method !== 'none') return `dyn_${randomBytes(16).toString('base64url')}`;
  const canonical = JSON.stringify([client_name, client_uri, storedRedirectUris(request)]);
  return `dyn_${hash('sha256', canonical, 'base64url').slice(0, 22)}`;
}

/** The redirect URIs as they are stored: without loopback ports for a public client, sorted, each once. */
export function storedRedirectUris({
  redirect_uris,
  token_endpoint_auth_method: method,
}: RegistrationRequest): string[] {
  return method === 'none' ? [...new Set(redirect_uris.map(withoutLoopbackPort))].toSorted() : redirect_uris;
}
