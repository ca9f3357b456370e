import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { SignJWT } from 'jose';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { formatListTag } from './entity-tags.ts';
import { listUri } from './list-uri.ts';
import type { PublishedList } from './published-lists.ts';

/**
 * For how long a reader that does not wait for changes may use a list (draft-ietf-oauth-status-list-21 §5.1, `ttl`).
 */
const LIST_TTL_SECONDS = 30;

/** A signed status list, ready to be sent. `staleAt` is when its signature becomes too old, in milliseconds since the epoch. */
export type SignedList = {
  readonly entityTag: string;
  readonly token: string;
  readonly gzipped: Buffer;
  readonly staleAt: number;
};

/**
 * Creates the signer of status lists. A list is signed once for each state, however many readers fetch it, again when the
 * signature is older than `ttl`: otherwise a cache on the way could send the list from before a revocation, and no reader
 * could tell by `iat` (§13.7 of the draft), and again when another key signs.
 */
export function createStatusListSigner({
  issuer,
  signingKeys,
}: {
  issuer: string;
  signingKeys: Pick<SigningKeys, 'active'>;
}): (id: number, list: PublishedList) => Promise<SignedList> {
  const newest = new WeakMap<
    PublishedList,
    { kid: string; sequence: number; staleAt: number; signed: Promise<SignedList> }
  >();

  return (id, list) => {
    const known = newest.get(list);
    const { kid } = signingKeys.active();
    if (known?.kid === kid && known.sequence === list.sequence && Date.now() < known.staleAt) return known.signed;
    const staleAt = Date.now() + LIST_TTL_SECONDS * 1000;
    const signed = sign(id, list, staleAt);
    newest.set(list, { kid, sequence: list.sequence, staleAt, signed });
    return signed;
  };

  async function sign(id: number, { bits, expiresAt, sequence }: PublishedList, staleAt: number): Promise<SignedList> {
    const key = signingKeys.active();
    const token = await new SignJWT({ sub: listUri(issuer, id), ttl: LIST_TTL_SECONDS, status_list: bits.encode() })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'statuslist+jwt' })
      .setIssuedAt()
      .setExpirationTime(Math.ceil(expiresAt))
      .sign(key);
    return { entityTag: formatListTag(id, sequence), token, gzipped: await promisify(gzip)(token), staleAt };
  }
}
