import type { ConnectionSelection } from './admin-client.ts';
import { type Command, defineCommand, UsageError } from './command-line/command.ts';
import { connectionLine, revocationText } from './result-texts.ts';
import { WAIT_DETAILS, WAIT_OPTION, waitForConfirmation } from './wait-for-confirmation.ts';

const SELECTION = {
  user: { value: 'NAME', description: 'only the connections of this user' },
  client: { value: 'CLIENT-ID', description: 'only the connections of this client' },
} as const;

const listCommand = defineCommand({
  name: 'connections list',
  summary: 'list which clients have access to the todos of which users',
  arguments: {},
  options: SELECTION,
  async run({ options }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const connections = await admin.listConnections(toSelection(options));
    return {
      json: connections,
      text: connections.length === 0 ? 'There are no connections.' : connections.map(connectionLine).join('\n'),
    };
  },
});

const revokeCommand = defineCommand({
  name: 'connections revoke',
  summary: 'revoke connections with all their access tokens and refresh tokens',
  details: WAIT_DETAILS,
  arguments: { ID: { optional: true, description: 'the id of one connection' } },
  options: {
    ...SELECTION,
    ...WAIT_OPTION,
  },
  examples: [
    'connections revoke con_4Gq2 --wait',
    'connections revoke --user ada',
    'connections revoke --client dyn_7yX',
  ],
  async run({ arguments: { ID: id }, options: { wait, ...options } }, { connectAdmin }) {
    const selection = { ...toSelection(options), ...(id !== undefined && { id }) };
    if (Object.keys(selection).length === 0)
      throw new UsageError('`connections revoke` expects ID, --user NAME or --client CLIENT-ID');
    const { admin } = await connectAdmin();
    const started = performance.now();
    const revocation = await admin.revokeConnections(selection);
    const count = revocation.revoked.length;
    const counted = `${count} ${count === 1 ? 'connection' : 'connections'}`;
    if (count === 0) return { json: revocation, text: `${counted} revoked` };
    if (!wait)
      return { json: revocation, text: `${counted} ${revocationText(revocation, performance.now() - started)}` };
    const confirmation = await waitForConfirmation(admin, revocation.sequence, started);
    return {
      json: { ...revocation, ...confirmation.revocation },
      text: `${counted} ${confirmation.text}`,
      exitCode: confirmation.exitCode,
    };
  },
});

/** The commands that administer connections. */
export const connectionsCommands: readonly Command[] = [listCommand, revokeCommand];

function toSelection({
  user,
  client,
}: {
  user?: string | undefined;
  client?: string | undefined;
}): ConnectionSelection {
  return { ...(user !== undefined && { username: user }), ...(client !== undefined && { client_id: client }) };
}
