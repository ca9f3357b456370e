import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Runs `yata --help` in a shell, which redirects its output. */
async function runHelp(redirection: string) {
  const script = `"$0" yata.ts --help ${redirection}`;
  return promisify(execFile)('sh', ['-c', script, process.execPath]).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
}

test.skipIf(!existsSync('/dev/full'))('a full disk is a failure that names itself', async () => {
  expect(await runHelp('> /dev/full')).toEqual({
    code: 1,
    stderr: 'The output cannot be written: no space left on device (ENOSPC)\n',
  });
  expect(await runHelp('> /dev/full 2>&1')).toEqual({ code: 1, stderr: '' });
});

test('a reader that has ended is no failure', async () => {
  expect(await runHelp('| true')).toEqual({ code: 0, stderr: '' });
});
