import type { RevocationResponse } from '../auth/admin/contract.ts';
import type { AdminClient } from './admin-client.ts';
import { revocationText } from './result-texts.ts';

/** Seconds that `--wait` waits for the resource servers. */
const WAIT_SECONDS = 25;

/** The option `--wait` of a command that revokes. */
export const WAIT_OPTION = {
  wait: { description: `wait up to ${WAIT_SECONDS} seconds until the resource servers have confirmed the revocation` },
} as const;

/** The exit code of a command with `--wait`, in the words of its help. */
export const WAIT_DETAILS =
  'Only resource servers that authenticate at the status lists are counted. With --wait the exit code is 1 unless at least one is counted and all of them have confirmed the revocation.';

/**
 * Waits until the resource servers have confirmed a revocation. The exit code is 1 unless at least one is counted and all of
 * them have confirmed it.
 * @param started when the command began, by `performance.now()`.
 */
export async function waitForConfirmation(
  admin: AdminClient,
  sequence: number,
  started: number,
): Promise<{ readonly revocation: RevocationResponse; readonly text: string; readonly exitCode: 0 | 1 }> {
  const revocation = await admin.getRevocation(sequence, WAIT_SECONDS);
  const { confirmed, pending } = revocation;
  return {
    revocation,
    text: revocationText(revocation, performance.now() - started),
    exitCode: confirmed.length > 0 && pending.length === 0 ? 0 : 1,
  };
}
