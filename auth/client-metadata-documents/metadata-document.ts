import * as z from 'zod';
import { findJson } from '../../shared/find-json.ts';
import { PublicJwk } from '../clients/public-jwks.ts';
import { RedirectUris, SelfDeclaredName, SelfDeclaredUri } from '../clients/self-declared-metadata.ts';

/** Why a metadata document is not accepted. The message is for a person. */
export class InvalidDocumentError extends Error {
  override readonly name = 'InvalidDocumentError';
}

const MAX_CLIENT_ID_LENGTH = 255;

/**
 * Whether a client id is the URL of a client ID metadata document (draft-ietf-oauth-client-id-metadata-document §3). It must
 * be in the form in which a URL parser writes it: ids are compared as texts.
 */
export function isDocumentId(clientId: string): boolean {
  if (!clientId.startsWith('https://') || clientId.length > MAX_CLIENT_ID_LENGTH || !URL.canParse(clientId))
    return false;
  const { href, username, password, hash } = new URL(clientId);
  return (href === clientId || href === `${clientId}/`) && username === '' && password === '' && hash === '';
}

/** What counts of a metadata document. Every other member is ignored. */
const Document = z.object(
  {
    client_id: z.string('the URL of the document'),
    client_name: SelfDeclaredName,
    client_uri: SelfDeclaredUri.optional().catch(undefined),
    redirect_uris: RedirectUris,
    token_endpoint_auth_method: z
      .enum(['none', 'private_key_jwt'], 'none or private_key_jwt: there is no secret')
      .default('none'),
    jwks: z.looseObject({ keys: z.array(z.unknown()) }).optional(),
    jwks_uri: z.string().startsWith('https://', 'an https URL').max(500).optional(),
    client_secret: z.undefined('no secret in a public document').optional(),
  },
  'a JSON object',
);

/** The metadata of a client, as its document says. */
export type MetadataDocument = z.infer<typeof Document>;

/** Parses the metadata document at `clientId`. @throws {InvalidDocumentError} */
export function parseDocument(clientId: string, body: string): MetadataDocument {
  const parsed = Document.safeParse(findJson(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InvalidDocumentError(`${issue?.path.join('.') || 'the document'}: expected ${issue?.message}`);
  }
  if (parsed.data.client_id !== clientId) throw new InvalidDocumentError('client_id: expected the URL of the document');
  if (parsed.data.token_endpoint_auth_method === 'private_key_jwt' && !parsed.data.jwks && !parsed.data.jwks_uri)
    throw new InvalidDocumentError('jwks_uri: expected the address of the public keys');
  return parsed.data;
}

/** Finds the keys in a JWK Set with which auth can verify client assertions. Others are left out. */
export function findUsableKeys(jwks: unknown, max: number): z.infer<typeof PublicJwk>[] {
  const { keys } = Object(jwks);
  if (!Array.isArray(keys)) return [];
  return keys
    .map((key) => PublicJwk.safeParse(key))
    .flatMap(({ data }) => (data === undefined ? [] : [data]))
    .slice(0, max);
}
