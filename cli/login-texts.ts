import { quoteValue } from './sanitize.ts';

/** The texts of `login` and `logout`. */
export const LOGIN_TEXTS = {
  open: (url: string) => `Open this address in a browser on this machine:\n\n  ${url}\n`,
  signedIn: (account: string, scope: string) => `You are signed in. Account: ${account}. Granted scopes: ${scope}.`,
  previousRevoked: () => 'The access of the previous sign-in is revoked.',
  previousNotRevoked: (issuer: string, reason: string) =>
    `The access of the previous sign-in is not revoked. Take it back at ${quoteValue(`${issuer}/account`)}.\n  because: ${reason}`,
  signedOut: () => 'You are signed out. The access is revoked.',
  notSignedIn: () => 'You were not signed in.',
  rejected: (error: string) => `You are not signed in: the authorization server answered ${quoteValue(error)}.`,
  ended: () => 'Your sign-in has ended or was taken back. Run yata login again, or yata logout.',
  notRevoked: (issuer: string) =>
    `You are still signed in: the access at ${quoteValue(issuer)} is not revoked. Set AUTH_ISSUER to this issuer and run yata logout again.`,
  insecureIssuer: (issuer: string) => `${quoteValue(issuer)} is neither AUTH_ISSUER, nor https, nor on this machine`,
  invalidFile: (path: string) => `${path} is not a sign-in of yata. Delete the file, and run yata login.`,
  late: () => 'You did not sign in within ten minutes. Run yata login again.',
  done: () => 'You can close this page and return to the command line.\n',
  notFound: () => 'There is nothing here.\n',
} as const;
