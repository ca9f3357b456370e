import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';

/** Finds PgBouncer, where Debian installs it. */
export function findPgbouncer(): string | undefined {
  return ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));
}

/** Starts PgBouncer in front of the PostgreSQL server at a port of 127.0.0.1. Disposing it kills it. */
export async function startPgbouncer(
  program: string,
  { serverPort, mode }: { serverPort: number; mode: 'session' | 'transaction' },
): Promise<AsyncDisposable & { readonly port: number }> {
  await using starting = new AsyncDisposableStack();
  const { path } = starting.use(makeTemporaryDirectory());
  const port = await getFreePort();
  const file = join(path, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = 50
`,
  );
  // it does not run as root
  const isRoot = process.getuid?.() === 0;
  for (const readable of [path, file]) chmodSync(readable, readable === path ? 0o755 : 0o644);
  const child = spawn(program, [...(isRoot ? ['--user=postgres'] : []), file], { stdio: 'ignore' });
  const ended = once(child, 'close');
  starting.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  while (child.exitCode === null && !(await isListening(port))) await delay(20);
  const running = starting.move();
  return { port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
