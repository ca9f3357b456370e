import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';

/** Runs change-secret.sh with a program in the place of docker, and returns the commands that it got, in short. */
function run(
  name: string,
  {
    scaled = false,
    stopped = 'none',
    failing = 'nothing',
  }: { scaled?: boolean; stopped?: string; failing?: string } = {},
) {
  using directory = makeTemporaryDirectory();
  const log = join(directory.path, 'log');
  const docker = join(directory.path, 'docker');
  // the SQL of change-role.sh is an argument, of which the last words tell enough
  writeFileSync(
    docker,
    `#!/bin/sh
case "$*" in
  *'ps --quiet nginx') ${scaled ? 'echo id-of-nginx' : ':'} ;;
  *'ps --quiet ${stopped}') ;;
  *'ps --quiet '*) echo old-process ;;
  *exec*change-role.sh*) shift $(($# - 2)); echo "role $*" >>'${log}' ;;
  *) echo "$*" >>'${log}' ;;
esac
case "$*" in *'${failing}'*) exit 1 ;; esac
`,
  );
  chmodSync(docker, 0o755);
  const { status, stderr } = spawnSync('sh', ['docker/change-secret.sh', name], {
    encoding: 'utf8',
    env: { PATH: `${directory.path}:${process.env.PATH}` },
  });
  const commands = (existsSync(log) ? readFileSync(log, 'utf8').trim() : '')
    .split('\n')
    .map((line) => line.replaceAll('-f docker-compose.yml -f docker/compose.scale.yml ', '').replace('compose ', ''))
    .map((line) => line.replace(/^run --rm --no-deps -T secrets node docker\/change-secret\.ts /, ''))
    .map((line) => line.replace('up --detach --wait --no-deps --force-recreate', 'restart'));
  return { status, stderr, commands };
}

test('a client secret: auth restarts before and after the service', () => {
  const { status, commands } = run('mcp-client-secret');
  expect(commands).toEqual([
    'mcp-client-secret add',
    'restart auth',
    'mcp-client-secret use',
    'restart mcp',
    'mcp-client-secret remove',
    'restart auth',
    'mcp-client-secret finish',
  ]);
  expect(status).toBe(0);
});

test('the key encryption key: auth restarts after each step', () => {
  expect(run('key-encryption-key').commands).toEqual([
    'key-encryption-key add',
    'restart auth',
    'key-encryption-key use',
    'restart auth',
    'key-encryption-key remove',
    'restart auth',
    'key-encryption-key finish',
  ]);
});

test('a password: it changes while no process logs in with it', () => {
  expect(run('api-password').commands).toEqual([
    'api-password add',
    'role api begin',
    'api-password use',
    'restart api',
    'role api use',
    'api-password remove',
    'restart api',
    'role api end',
    'api-password finish',
  ]);
});

test('with compose.scale.yml a new process is ready before an old one stops', () => {
  const { commands } = run('auth-password', { scaled: true });
  expect(commands.slice(2, 7)).toEqual([
    'auth-password use',
    'run --rm --no-deps migrate',
    'up --detach --wait --no-deps --no-recreate --scale auth=2 auth',
    'stop old-process',
    'rm old-process',
  ]);
});

test('a restart that fails ends the command before the next step', () => {
  const { status, commands } = run('mcp-client-secret', { failing: '--force-recreate mcp' });
  expect([status, commands.at(-1)]).toEqual([1, 'restart mcp']);
});

test('an installation that does not run is left as it is', () => {
  const { status, stderr, commands } = run('mcp-client-secret', { stopped: 'mcp' });
  expect([status, commands]).toEqual([1, ['']]);
  expect(stderr).toContain('mcp: no process runs. Start the services first');
});

test('without the name of a secret the command does nothing, and says which there are', () => {
  const { status, stderr, commands } = run('postgres-password');
  expect([status, commands]).toEqual([2, ['']]);
  expect(stderr).toContain('Usage: docker/change-secret.sh auth-password|api-password|');
});
