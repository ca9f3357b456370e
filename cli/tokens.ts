import type { Command } from './command-line/command.ts';
import { defineCommand, UsageError } from './command-line/command.ts';
import { revocationText } from './result-texts.ts';
import { WAIT_DETAILS, WAIT_OPTION, waitForConfirmation } from './wait-for-confirmation.ts';

const revokeCommand = defineCommand({
  name: 'tokens revoke',
  summary: 'revoke one token, or every token of a client',
  arguments: {
    TOKEN: {
      optional: true,
      description: 'the token; use - to read it from stdin, where no list of processes shows it',
    },
  },
  options: {
    client: { value: 'ID', description: 'revoke every token of this client' },
    ...WAIT_OPTION,
  },
  details: WAIT_DETAILS,
  examples: ['tokens revoke - --wait < token.txt', 'tokens revoke --client demo --wait'],
  async run({ arguments: { TOKEN: token }, options: { client, wait } }, { connectAdmin, readStdin }) {
    const revoked = selectRevoked(token, client, readStdin);
    const { admin } = await connectAdmin();
    const started = performance.now();
    const revocation = await admin.revoke(revoked);
    if (!wait) return { json: revocation, text: revocationText(revocation, performance.now() - started) };
    const confirmation = await waitForConfirmation(admin, revocation.sequence, started);
    return { json: confirmation.revocation, text: confirmation.text, exitCode: confirmation.exitCode };
  },
});

/** The commands that concern tokens. */
export const tokensCommands: readonly Command[] = [revokeCommand];

function selectRevoked(token: string | undefined, client: string | undefined, readStdin: () => string) {
  if (token !== undefined && client === undefined) return { token: token === '-' ? readToken(readStdin) : token };
  if (token === undefined && client !== undefined) return { client_id: client };
  throw new UsageError('`tokens revoke` expects either TOKEN or --client ID');
}

function readToken(readStdin: () => string): string {
  const token = readStdin().trim();
  if (token === '') throw new UsageError('TOKEN is -, but stdin is empty');
  return token;
}
