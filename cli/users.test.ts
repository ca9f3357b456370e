import { expect, test } from 'vitest';
import type { UserResponse } from '../auth/admin/contract.ts';
import type { AdminClient } from './admin-client.ts';
import { COMMANDS } from './commands.ts';
import { runInProcess } from './testing/run-in-process.ts';

/** Runs a command with an admin API that has the calls in `admin` alone. */
function run(words: readonly string[], admin: Partial<AdminClient>) {
  const connectAdmin = async () => ({ admin: admin as AdminClient, storeCredentials: () => undefined });
  return runInProcess(words, COMMANDS, { connectAdmin });
}

/** The hours for which `users invite` and `users recover` request a link, or what they print instead. */
async function requestLinks(expires?: string) {
  const requested: unknown[] = [];
  const link = { url: 'http://localhost:3000/welcome#token', expires_at: '2026-11-26T12:00:00.000Z' };
  const request = async (_username: string, hours: number) => {
    requested.push(hours);
    return link;
  };
  for (const verb of ['invite', 'recover']) {
    const words = ['users', verb, 'ada', ...(expires === undefined ? [] : ['--expires', expires])];
    const { exitCode, stderr } = await run(words, { inviteUser: request, recoverUser: request });
    if (exitCode !== 0) requested.push(`${exitCode}: ${stderr.split('\n')[0]}`);
  }
  return requested;
}

test.each([
  [undefined, 24],
  ['1', 1],
  ['720', 720],
  ['24h', 24],
  ['3d', 72],
  ['30d', 720],
  ['120m', 2],
])('a one-time link with --expires %s is valid for %i hours', async (expires, hours) => {
  expect(await requestLinks(expires)).toEqual([hours, hours]);
});

test.each(['0', '721', '31d', '0h', '90m', '30s', '9'.repeat(400), 'soon'])(
  'a one-time link is not made with --expires %s',
  async (expires) => {
    const problem = '2: --expires: expected whole hours such as 24h or 3d, 1h to 30d';
    expect(await requestLinks(expires)).toEqual([problem, problem]);
  },
);

test.each(['disable', 'delete'])('users %s --wait fails when auth names no revocation to wait for', async (verb) => {
  const user: UserResponse = {
    id: 'usr_5PpG9c',
    username: 'ada',
    active: false,
    created_at: '2026-11-26T12:00:00.000Z',
    last_sign_in_at: null,
    passkeys: 0,
    has_password: true,
    connections: 0,
  };
  const admin = { setUserActive: async () => user, deleteUser: async () => user };
  expect(await run(['users', verb, 'ada', '--wait'], admin)).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringContaining('auth did not say which revocation to wait for'),
  });
  expect(await run(['users', verb, 'ada'], admin)).toMatchObject({ exitCode: 0, stderr: '' });
});
