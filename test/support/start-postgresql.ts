import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, copyFileSync, globSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';

/** A PostgreSQL server. Disposing it stops it and removes its data. */
export type PostgresqlServer = AsyncDisposable & {
  readonly url: string;
  /** The directory of its Unix socket. */
  readonly socketDirectory: string;
  readonly port: number;
  /** Runs an action of `pg_ctl`, and resolves when the server has done it. `immediate` stops it as a crash does. */
  readonly control: (action: 'start' | 'stop' | 'restart', mode?: 'fast' | 'immediate') => Promise<unknown>;
};

/** Milliseconds that a program of PostgreSQL may take. */
const PROGRAM_TIMEOUT_MS = 20_000;

/** Finds the directory with the programs of a PostgreSQL server, where Debian installs them. */
export function findPostgresqlPrograms(): string | undefined {
  return globSync('/usr/lib/postgresql/*/bin/pg_ctl').map(dirname).at(-1);
}

/** Files in PEM with which a server uses TLS, and the lines of `pg_hba.conf` that replace those that trust every connection. */
export type ServerTls = {
  readonly certificate: string;
  readonly key: string;
  /** The certificate of the CA of client certificates. */
  readonly clientCa: string;
  readonly hba: readonly string[];
};

/**
 * Starts a PostgreSQL server with an empty database in a temporary directory. With `tls` it accepts TLS. The end of the
 * test disposes it too.
 */
export async function startPostgresql(programs: string, { tls }: { tls?: ServerTls } = {}): Promise<PostgresqlServer> {
  const server = await openPostgresql(programs, { tls });
  // a test that times out does not dispose it
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Does the same outside of a test. */
export async function openPostgresql(
  programs: string,
  { tls }: { tls?: ServerTls | undefined } = {},
): Promise<PostgresqlServer> {
  await using starting = new AsyncDisposableStack();
  const { path } = starting.use(makeTemporaryDirectory());
  const port = await getFreePort();
  const isRoot = process.getuid?.() === 0;
  // the server does not run as root
  const [uid = 0, gid = 0] = isRoot
    ? ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })))
    : [process.getuid?.(), process.getgid?.()];
  chownSync(path, uid, gid);
  const data = join(path, 'cluster');
  const run = (program: string, args: readonly string[]) => {
    const command = [join(programs, program), '-D', data, ...args];
    const asPostgres = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
    const [first = '', ...rest] = [...asPostgres, ...command];
    return promisify(execFile)(first, rest, { cwd: path, timeout: PROGRAM_TIMEOUT_MS });
  };
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${path}`;
  const control = (action: 'start' | 'stop' | 'restart', mode = 'fast') =>
    run('pg_ctl', [action, '-w', '-m', mode, '-l', join(path, 'log'), '-o', options]);
  await run('initdb', ['--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8']);
  if (tls !== undefined) useTls(tls);
  await control('start');
  starting.defer(async () => void (await control('stop')));
  const running = starting.move();
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    socketDirectory: path,
    port,
    control,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };

  function useTls({ certificate, key, clientCa, hba }: ServerTls): void {
    for (const [name, file] of Object.entries({ 'server.crt': certificate, 'server.key': key, 'root.crt': clientCa })) {
      copyFileSync(file, join(data, name));
      chownSync(join(data, name), uid, gid);
      chmodSync(join(data, name), 0o600);
    }
    appendFileSync(join(data, 'postgresql.conf'), "ssl = on\nssl_ca_file = 'root.crt'\n");
    writeFileSync(join(data, 'pg_hba.conf'), `${hba.join('\n')}\n`);
  }
}
