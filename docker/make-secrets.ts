import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../shared/configuration/private-file.ts';

// Makes the secrets of a compose project: every folder below is a volume that one service can read. What is there is
// never changed: killed at any point and run again, this completes what it began.
const DIRECTORY = '/secrets';

for (const name of ['auth', 'api']) {
  const password = keep(`postgres/${name}-password`);
  write(`${name}/database-url`, `postgresql://${name}:${password}@postgres:5432/${name}`);
}
keep('auth/key-encryption-key');
keep('auth/mcp-client-secret', 'mcp/client-secret');

// the server runs as a user of another image, who reads these as a member of this one's group (group_add)
for (const name of ['auth', 'api']) chmodSync(join(DIRECTORY, `postgres/${name}-password`), 0o640);

/** Returns the secret of 256 random bits that each of `paths` holds. It is new only when none of them is there. */
function keep(...paths: string[]): string {
  const known = paths.map((path) => join(DIRECTORY, path)).find((path) => existsSync(path));
  const secret = known === undefined ? randomBytes(32).toString('base64url') : readFileSync(known, 'utf8').trim();
  for (const path of paths) write(path, secret);
  return secret;
}

function write(path: string, content: string): void {
  if (writePrivateFile(join(DIRECTORY, path), () => `${content}\n`)) process.stdout.write(`made ${path}\n`);
}
