import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** The parameters of argon2id (RFC 9106): 19 MiB, two passes, one lane. One hash takes about 50 ms. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;

/** Hashes that are computed at the same time, and those that wait. A flood of sign-ins must not use up the memory. */
const MAX_CONCURRENT = 2;
const MAX_WAITING = 50;

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Too many passwords are waiting to be checked. */
export class PasswordsBusyError extends Error {
  override readonly name = 'PasswordsBusyError';
}

/** The hashing of passwords with argon2id. Each method throws a {@link PasswordsBusyError} when too many wait. */
export type PasswordHashing = {
  /** Returns the hash in the PHC string format, with a random salt. */
  readonly hash: (password: string) => Promise<string>;
  /** Compares a password with a stored hash. Without one it takes the same time and returns false. */
  readonly verify: (password: string, stored: string | undefined) => Promise<boolean>;
};

/** Creates the hashing of passwords. */
export function createPasswordHashing(): PasswordHashing {
  const derive = promisify(argon2);
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async hash(password) {
      const nonce = randomBytes(16);
      const tag = await compute(password, { ...PARAMETERS, nonce });
      const { memory, passes, parallelism } = PARAMETERS;
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toBase64(nonce)}$${toBase64(tag)}`;
    },
    async verify(password, stored) {
      const [, memory, passes, parallelism, salt, tag] = PHC.exec(stored ?? '') ?? [];
      if (salt === undefined || tag === undefined) {
        await compute(password, { ...PARAMETERS, nonce: randomBytes(16) });
        return false;
      }
      const expected = Buffer.from(tag, 'base64');
      const actual = await compute(password, {
        memory: Number(memory),
        passes: Number(passes),
        parallelism: Number(parallelism),
        tagLength: expected.length,
        nonce: Buffer.from(salt, 'base64'),
      });
      return timingSafeEqual(actual, expected);
    },
  };

  async function compute(
    password: string,
    parameters: { memory: number; passes: number; parallelism: number; tagLength: number; nonce: Buffer },
  ): Promise<Buffer> {
    if (running >= MAX_CONCURRENT) {
      if (waiting.length >= MAX_WAITING) throw new PasswordsBusyError('too many passwords are being checked');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      // one form of characters that look the same, so that another keyboard signs in too (RFC 8265 §4.2.2)
      return await derive('argon2id', { ...parameters, message: password.normalize('NFC') });
    } finally {
      // the place is handed on, so that no newcomer takes it first
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
