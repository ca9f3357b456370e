import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirePrivateFile } from '../shared/configuration/private-directory.ts';
import { writePrivateFile } from '../shared/configuration/private-file.ts';

/**
 * Creates the secrets of a compose project. Each folder below `directory` is a volume that one service can read. The content
 * of a file that exists is never changed: after a run that was killed, the next run creates what is missing.
 * @param report gets the path of each file that is created.
 */
export function makeSecrets(directory: string, report: (path: string) => void): void {
  for (const name of ['auth', 'api']) {
    const password = keepSecret(`postgres/${name}-password`);
    write(`${name}/database-url`, `postgresql://${name}:${password}@postgres:5432/${name}`);
  }
  keepSecret('auth/key-encryption-key');
  keepSecret('auth/api-client-secret', 'api/client-secret');
  keepSecret('auth/mcp-client-secret', 'mcp/client-secret');

  // PostgreSQL runs as a user of another image. Compose adds that user to the group of this image (group_add).
  for (const name of ['auth', 'api']) chmodSync(join(directory, `postgres/${name}-password`), 0o640);

  /** Writes the same secret of 256 random bits to each of `paths`, and returns it. The secret of a path that exists is kept. */
  function keepSecret(...paths: string[]): string {
    const existing = paths.map((path) => join(directory, path)).find((path) => existsSync(path));
    if (existing !== undefined) requirePrivateFile(existing);
    // while an operator changes a secret (change-secret.ts), auth has two, of which the first is known to every process
    const [secret = ''] =
      existing === undefined
        ? [randomBytes(32).toString('base64url')]
        : readFileSync(existing, 'utf8').trim().split(',');
    for (const path of paths) write(path, secret);
    return secret;
  }

  function write(path: string, content: string): void {
    if (writePrivateFile(join(directory, path), () => `${content}\n`)) report(path);
  }
}

if (import.meta.main) makeSecrets('/secrets', (path) => process.stdout.write(`created ${path}\n`));
