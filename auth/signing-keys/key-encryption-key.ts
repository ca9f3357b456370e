import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { requirePrivateDirectory, requirePrivateFile } from '../../shared/configuration/private-directory.ts';
import { writePrivateFile } from '../../shared/configuration/private-file.ts';

/**
 * The keys with which signing keys and server secrets are encrypted, 32 bytes each: the first one encrypts, all of them
 * decrypt. There is more than one only while an operator replaces the key.
 */
export type KeyEncryptionKeys = readonly [Uint8Array, ...Uint8Array[]];

const EXPECTED = '32 bytes in base64, base64url or hex; create them with `openssl rand -base64 32`';

/** Parses key encryption keys from the environment or a file: one, or several with commas or white space between them. */
export const KeyEncryptionKeys = z.string(EXPECTED).transform((text, refinement): KeyEncryptionKeys => {
  const [first, ...others] = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, /^[0-9a-f]{64}$/i.test(part) ? 'hex' : 'base64'));
  if (first !== undefined && [first, ...others].every(({ length }) => length === 32)) return [first, ...others];
  refinement.addIssue(EXPECTED);
  return z.NEVER;
});

/**
 * Reads the key encryption keys from the file `key-encryption-key` in `directory`. Creates the file with one key (mode 0600)
 * at the first start.
 * @throws {InsecureFileError} when other users have access to the directory or may write the file.
 * @throws {Error} when the file does not contain keys of 32 bytes.
 */
export function findOrCreateKeyEncryptionKeys(directory: string): KeyEncryptionKeys {
  const path = join(directory, 'key-encryption-key');
  requirePrivateDirectory(directory);
  writePrivateFile(path, () => `${randomBytes(32).toString('base64url')}\n`);
  requirePrivateFile(path);
  const parsed = KeyEncryptionKeys.safeParse(readFileSync(path, 'utf8'));
  if (!parsed.success) throw new Error(`${path} does not contain a key encryption key: expected ${EXPECTED}`);
  return parsed.data;
}
