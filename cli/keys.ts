import { LEAD_SECONDS, MAX_LEAD_SECONDS, MIN_LEAD_SECONDS } from '../auth/signing-keys/key-life.ts';
import { type Command, defineCommand, UsageError } from './command-line/command.ts';
import { parseDuration } from './parse-duration.ts';
import { keyLine, revocationText } from './result-texts.ts';
import { WAIT_DETAILS, WAIT_OPTION, waitForConfirmation } from './wait-for-confirmation.ts';

const IN_EXPECTED = `--in: expected a duration such as 10m or 1h, from ${MIN_LEAD_SECONDS}s to ${MAX_LEAD_SECONDS / 86_400}d`;

const listCommand = defineCommand({
  name: 'keys list',
  summary: 'list the keys that sign access tokens',
  details:
    'A key is next, active, previous or revoked. A previous key stays published until the last token that it signed has expired.',
  arguments: {},
  options: {},
  async run(_, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const keys = await admin.listKeys();
    return { json: keys, text: keys.map(keyLine).join('\n') };
  },
});

const rotateCommand = defineCommand({
  name: 'keys rotate',
  summary: 'have another key sign access tokens',
  details:
    'The next key is published at once and signs later, so that no request is rejected. If a next key exists, it is used, and signs earlier if --in says so.',
  arguments: {},
  options: {
    in: {
      value: 'DURATION',
      description: `after which time the next key signs, such as 10m or 1h; the default is ${LEAD_SECONDS / 60}m. Resource servers that are not a part of yata may cache the keys for 5m`,
    },
  },
  async run({ options: { in: lead } }, { connectAdmin }) {
    const seconds = lead === undefined ? LEAD_SECONDS : parseDuration(lead, { bareUnit: 's', problem: IN_EXPECTED });
    if (seconds < MIN_LEAD_SECONDS || seconds > MAX_LEAD_SECONDS) throw new UsageError(IN_EXPECTED);
    const { admin } = await connectAdmin();
    const key = await admin.rotateKeys(seconds);
    return { json: key, text: keyLine(key) };
  },
});

const revokeCommand = defineCommand({
  name: 'keys revoke',
  summary: 'revoke a signing key that others may know',
  details: `Every access token that the key signed is rejected from then on, and its clients request new ones. If the key signs now, another one takes its place at once. ${WAIT_DETAILS}`,
  arguments: { KID: { description: 'the id of the key' } },
  options: WAIT_OPTION,
  examples: ['keys revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --wait'],
  async run({ arguments: { KID: kid }, options: { wait } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const started = performance.now();
    const revocation = await admin.revokeKey(kid);
    if (!wait) return { json: revocation, text: revocationText(revocation, performance.now() - started) };
    const { revocation: json, text, exitCode } = await waitForConfirmation(admin, revocation.sequence, started);
    return { json, text, exitCode };
  },
});

/** The commands that concern the keys with which auth signs. */
export const keysCommands: readonly Command[] = [listCommand, rotateCommand, revokeCommand];
