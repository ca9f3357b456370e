import type { UserResponse } from '../auth/admin/contract.ts';
import { LINK_HOURS, MAX_LINK_HOURS } from '../auth/one-time-links/link-lifetime.ts';
import type { AdminClient } from './admin-client.ts';
import { type Command, type CommandResult, defineCommand, UsageError } from './command-line/command.ts';
import { parseDuration } from './parse-duration.ts';
import { linkText, userLine } from './result-texts.ts';
import { quoteValue } from './sanitize.ts';
import { WAIT_DETAILS, WAIT_OPTION, waitForConfirmation } from './wait-for-confirmation.ts';

const NAME = { NAME: { description: 'the user name' } } as const;

const EXPIRES = {
  expires: {
    value: 'DURATION',
    description: `how long the link works, in whole hours: 24h or 3d, up to ${MAX_LINK_HOURS / 24} days; a number without a unit is hours (default: ${LINK_HOURS}h)`,
  },
} as const;

const inviteCommand = defineCommand({
  name: 'users invite',
  summary: 'print a one-time link with which a person makes an account',
  details:
    'The person chooses a passkey or a password on the page to which the link leads. Send the link over a channel that only the person reads: the first one who uses it gets the account.',
  arguments: { NAME: { description: 'a user name, 1 to 64 characters; the person can change it' } },
  options: EXPIRES,
  examples: ['users invite ada', 'users invite ada --expires 3d'],
  async run({ arguments: { NAME: username }, options: { expires } }, { connectAdmin }) {
    const hours = parseHours(expires);
    const { admin } = await connectAdmin();
    const link = await admin.inviteUser(username, hours);
    return { json: link, text: linkText(link, username) };
  },
});

const recoverCommand = defineCommand({
  name: 'users recover',
  summary: 'print a one-time link with which a person gets back into an account',
  details:
    'When the person uses the link, every session ends. Ways to sign in and connections that the person does not keep on the page are removed.',
  arguments: NAME,
  options: EXPIRES,
  examples: ['users recover ada'],
  async run({ arguments: { NAME: username }, options: { expires } }, { connectAdmin }) {
    const hours = parseHours(expires);
    const { admin } = await connectAdmin();
    const link = await admin.recoverUser(username, hours);
    return { json: link, text: linkText(link, username) };
  },
});

const listCommand = defineCommand({
  name: 'users list',
  summary: 'list all accounts',
  arguments: {},
  options: {},
  async run(_input, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const users = await admin.listUsers();
    return { json: users, text: users.length === 0 ? 'There are no accounts.' : users.map(userLine).join('\n') };
  },
});

const showCommand = defineCommand({
  name: 'users show',
  summary: 'show an account and how its person can sign in',
  arguments: NAME,
  options: {},
  async run({ arguments: { NAME: username } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const user = await admin.getUser(username);
    return { json: user, text: `${userLine(user)}\nid ${quoteValue(user.id)}, created ${user.created_at}` };
  },
});

const disableCommand = defineCommand({
  name: 'users disable',
  summary: 'disable an account, revoke its connections and end its sessions',
  details: WAIT_DETAILS,
  arguments: NAME,
  options: WAIT_OPTION,
  async run({ arguments: { NAME: username }, options: { wait } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const started = performance.now();
    const user = await admin.setUserActive(username, false);
    const result = { json: user, text: userLine(user) };
    return wait ? addConfirmation(admin, user, started, result) : result;
  },
});

const enableCommand = defineCommand({
  name: 'users enable',
  summary: 'enable a disabled account',
  arguments: NAME,
  options: {},
  async run({ arguments: { NAME: username } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const user = await admin.setUserActive(username, true);
    return { json: user, text: userLine(user) };
  },
});

const deleteCommand = defineCommand({
  name: 'users delete',
  summary: 'delete an account and revoke its connections; its todos stay in the database',
  details: WAIT_DETAILS,
  arguments: NAME,
  options: WAIT_OPTION,
  async run({ arguments: { NAME: username }, options: { wait } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const started = performance.now();
    const user = await admin.deleteUser(username);
    const result = {
      json: { ...user, deleted: true },
      text: `The account ${quoteValue(user.username)} is deleted. Its connections are revoked.`,
    };
    return wait ? addConfirmation(admin, user, started, result) : result;
  },
});

/** The commands that administer accounts. */
export const usersCommands: readonly Command[] = [
  inviteCommand,
  recoverCommand,
  listCommand,
  showCommand,
  disableCommand,
  enableCommand,
  deleteCommand,
];

/** Adds to a result which resource servers have confirmed that the connections of `user` are revoked. */
async function addConfirmation(
  admin: AdminClient,
  user: UserResponse,
  started: number,
  { json, text }: { readonly json: UserResponse; readonly text: string },
): Promise<CommandResult> {
  if (user.revocation === undefined)
    throw new Error(`${text}\nauth did not say which revocation to wait for: it may be an older version.`);
  const confirmation = await waitForConfirmation(admin, user.revocation.sequence, started);
  return {
    json: { ...json, revocation: confirmation.revocation },
    text: `${text}\n${confirmation.text}`,
    exitCode: confirmation.exitCode,
  };
}

function parseHours(text = `${LINK_HOURS}h`): number {
  const problem = `--expires: expected whole hours such as 24h or 3d, 1h to ${MAX_LINK_HOURS / 24}d`;
  const hours = parseDuration(text, { bareUnit: 'h', problem }) / 3600;
  if (!Number.isInteger(hours) || hours < 1 || hours > MAX_LINK_HOURS) throw new UsageError(problem);
  return hours;
}
