import { quoteValue } from './sanitize.ts';

/** The texts of `login` and `logout`. */
export const LOGIN_TEXTS = {
  open: (url: string) => `Open this address in a browser on this machine:\n\n  ${url}\n`,
  signedIn: (account: string, scope: string) => `You are signed in. Account: ${account}. Granted scopes: ${scope}.`,
  signedOut: () => 'You are signed out. The access is revoked.',
  notSignedIn: () => 'You were not signed in.',
  rejected: (error: string) => `You are not signed in: the authorization server answered ${quoteValue(error)}.`,
  ended: () => 'Your sign-in has ended or was taken back. Run yata login again, or yata logout.',
  late: () => 'You did not sign in within ten minutes. Run yata login again.',
  done: () => 'You can close this page and return to the command line.\n',
  notFound: () => 'There is nothing here.\n',
} as const;
