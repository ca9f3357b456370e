import { getSystemErrorMessage } from 'node:util';

/** Describes the error of a system call by its code, without its path: a misplaced word of a command line may be a secret. */
export function describeSystemError(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return 'unknown error';
  const { code } = error;
  return 'errno' in error && typeof error.errno === 'number'
    ? `${getSystemErrorMessage(error.errno)} (${code})`
    : String(code);
}
