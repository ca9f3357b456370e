import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { getFreePort } from '../../shared/testing/free-port.ts';

/** A running nginx. Disposing it ends it. */
export type Nginx = AsyncDisposable & { readonly port: number };

/** The path of nginx, if it is installed on this machine. */
export const NGINX_PROGRAM = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) =>
  existsSync(path),
);

/** Whether nginx is installed on this machine. */
export const isNginxInstalled = NGINX_PROGRAM !== undefined;

/**
 * Starts nginx with docs/examples/nginx.conf, as an operator does, on a free port.
 * @param replacements texts of that file, and what stands in the place of each.
 */
export async function startNginx(
  directory: string,
  {
    certificate,
    key,
    replacements,
  }: { certificate: string; key: string; replacements: Readonly<Record<string, string>> },
): Promise<Nginx> {
  const port = await getFreePort();
  let example = readFileSync('docs/examples/nginx.conf', 'utf8');
  const all = {
    '443 ssl': `127.0.0.1:${port} ssl`,
    '/etc/ssl/yata.crt': certificate,
    '/etc/ssl/yata.key': key,
    ...replacements,
  };
  for (const [text, replacement] of Object.entries(all)) {
    if (!example.includes(text)) throw new Error(`docs/examples/nginx.conf does not contain ${text}`);
    example = example.replaceAll(text, replacement);
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(directory, name)};`,
  );
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(
    configuration,
    [
      'daemon off;',
      'worker_processes 1;',
      `pid ${join(directory, 'nginx.pid')};`,
      `error_log ${join(directory, 'error.log')};`,
      // as root nginx would change to a user who cannot open the directory of the test
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'events { worker_connections 512; }',
      `http { access_log off; ${temporary.join(' ')}\n${example}\n}`,
    ].join('\n'),
  );
  const child = spawn(NGINX_PROGRAM ?? 'nginx', [
    '-c',
    configuration,
    '-p',
    directory,
    '-e',
    join(directory, 'error.log'),
  ]);
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(child, 'close');
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${output}`);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  }, 10_000);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
