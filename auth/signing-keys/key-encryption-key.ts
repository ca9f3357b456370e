import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writePrivateFile } from '../../shared/configuration/private-file.ts';

/** The key that signing keys are encrypted under: 32 bytes. */
export type KeyEncryptionKey = Uint8Array;

const EXPECTED = '32 bytes as base64, base64url or hex; `openssl rand -base64 32` makes them';

/** Parses a key encryption key as the environment or a file has it. */
export const KeyEncryptionKey = z
  .string(EXPECTED)
  .trim()
  .transform((text) => Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64'))
  .refine((key) => key.length === 32, EXPECTED);

/**
 * Reads the key encryption key that is kept in `directory`, and makes one at the first start.
 * @throws when the file holds something else.
 */
export function findOrCreateKeyEncryptionKey(directory: string): KeyEncryptionKey {
  const path = join(directory, 'key-encryption-key');
  writePrivateFile(path, () => `${randomBytes(32).toString('base64url')}\n`);
  const parsed = KeyEncryptionKey.safeParse(readFileSync(path, 'utf8'));
  if (!parsed.success) throw new Error(`${path} does not hold a key encryption key: expected ${EXPECTED}`);
  return parsed.data;
}
