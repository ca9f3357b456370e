/** What each action of the audit means to the person whom it concerns. */
const SENTENCES: Readonly<Record<string, string>> = {
  'user.create': 'The account was made.',
  'user.sign-in': 'You signed in.',
  'user.recover': 'The account was recovered with a link.',
  'user.set-password': 'The password was set.',
  'user.add-passkey': 'A passkey was added.',
  'user.remove-passkey': 'A passkey was removed.',
  'user.remove-password': 'The password was removed.',
  'user.end-sessions': 'All other sessions were ended.',
  'user.disable': 'An administrator disabled the account.',
  'user.enable': 'An administrator enabled the account.',
  'user.create-recovery': 'An administrator made a link to recover the account.',
  'connection.create': 'You allowed a client to use your todos.',
  'connection.revoke': 'The access of a client was taken back.',
  'connection.repeated-use': 'A refresh token was used again.',
};

/** An event of the audit in one sentence. */
export function describeEvent({
  action,
  address,
  detail,
}: {
  action: string;
  address?: string | null;
  detail: object;
}): string {
  const { client_id, reason } = detail as { client_id?: unknown; reason?: unknown };
  return [
    SENTENCES[action] ?? action,
    typeof client_id === 'string' && `Client: ${client_id}.`,
    typeof reason === 'string' && `Reason: ${reason}.`,
    address && `From ${address}.`,
  ]
    .filter(Boolean)
    .join(' ');
}
