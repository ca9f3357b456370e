import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { requirePrivateDirectory, requirePrivateFile } from '../../shared/configuration/private-directory.ts';
import { writePrivateFile } from '../../shared/configuration/private-file.ts';

/** The key with which signing keys are encrypted: 32 bytes. */
export type KeyEncryptionKey = Uint8Array;

const EXPECTED = '32 bytes in base64, base64url or hex; create them with `openssl rand -base64 32`';

/** Parses a key encryption key from the environment or a file. */
export const KeyEncryptionKey = z
  .string(EXPECTED)
  .trim()
  .transform((text) => Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64'))
  .refine((key) => key.length === 32, EXPECTED);

/**
 * Reads the key encryption key from the file `key-encryption-key` in `directory`. Creates the file (mode 0600) at the
 * first start.
 * @throws {InsecureFileError} when other users have access to the directory or may write the file.
 * @throws {Error} when the file does not contain 32 bytes.
 */
export function findOrCreateKeyEncryptionKey(directory: string): KeyEncryptionKey {
  const path = join(directory, 'key-encryption-key');
  requirePrivateDirectory(directory);
  writePrivateFile(path, () => `${randomBytes(32).toString('base64url')}\n`);
  requirePrivateFile(path);
  const parsed = KeyEncryptionKey.safeParse(readFileSync(path, 'utf8'));
  if (!parsed.success) throw new Error(`${path} does not contain a key encryption key: expected ${EXPECTED}`);
  return parsed.data;
}
