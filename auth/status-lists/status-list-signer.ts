import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type CryptoKey, SignJWT } from 'jose';
import type { SigningKey } from '../signing-keys/signing-keys.ts';
import { formatListTag } from './entity-tags.ts';
import { listUri } from './list-uri.ts';
import type { PublishedList } from './published-lists.ts';

/**
 * For how long a reader that does not wait for changes may use a list (draft-ietf-oauth-status-list-21 §5.1, `ttl`).
 */
const LIST_TTL_SECONDS = 30;

/** A signed status list, ready to be sent. */
export type SignedList = { readonly entityTag: string; readonly token: string; readonly gzipped: Buffer };

/** Creates the signer of status lists. A list is signed once for each state, however many readers fetch it. */
export function createStatusListSigner({
  issuer,
  key,
  alg,
  kid,
}: {
  issuer: string;
  key: CryptoKey | Uint8Array;
} & Pick<SigningKey, 'alg' | 'kid'>): (id: number, list: PublishedList) => Promise<SignedList> {
  const newest = new WeakMap<PublishedList, { sequence: number; signed: Promise<SignedList> }>();

  return (id, list) => {
    const known = newest.get(list);
    if (known?.sequence === list.sequence) return known.signed;
    const signed = sign(id, list);
    newest.set(list, { sequence: list.sequence, signed });
    return signed;
  };

  async function sign(id: number, { bits, expiresAt, sequence }: PublishedList): Promise<SignedList> {
    const token = await new SignJWT({ sub: listUri(issuer, id), ttl: LIST_TTL_SECONDS, status_list: bits.encode() })
      .setProtectedHeader({ alg, kid, typ: 'statuslist+jwt' })
      .setIssuedAt()
      .setExpirationTime(Math.ceil(expiresAt))
      .sign(key);
    return { entityTag: formatListTag(id, sequence), token, gzipped: await promisify(gzip)(token) };
  }
}
