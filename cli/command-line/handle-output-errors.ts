import type { Writable } from 'node:stream';
import { describeSystemError } from './describe-system-error.ts';

/**
 * Lets the process end normally when the program that reads its output has ended, as in `yata audit | head`. After any other
 * error, such as a full disk, stderr names it and the exit code is 1. Without a listener, Node.js would end the process with a
 * stack trace.
 */
export function handleOutputErrors({ stdout, stderr }: { stdout: Writable; stderr: Writable }): void {
  let isReported = false;
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      process.exitCode = 1;
      if (stream === stdout && !isReported) stderr.write(`${describeOutputError(error)}\n`);
      isReported = true;
    });
}

export function describeOutputError(error: NodeJS.ErrnoException): string {
  return `The output cannot be written: ${describeSystemError(error)}`;
}
