import { defineCommand } from './command-line/command.ts';
import { LOGIN_TEXTS } from './login-texts.ts';
import type { PreviousLogin } from './person-login.ts';

/** Signs a person in at the command line. */
export const loginCommand = defineCommand({
  name: 'login',
  summary: 'sign in as a person, in the browser',
  details:
    'The command prints an address to open in a browser on this machine, and waits up to ten minutes. Then `token` prints access tokens for the todo API of your account instead of the demo client, unless --resource names another resource or OAUTH_CLIENT_ID is set. The refresh token is in the data directory, in a file that only you can read. Your account page lists this connection. `logout` ends it, and so does the next `login`.',
  arguments: {},
  options: {},
  async run(_input, { environment, write }) {
    const { login } = await import('./person-login.ts');
    const { account, scope, previous } = await login(environment, write);
    return {
      json: { account, scope, previous_sign_in: previous.kind },
      text: [LOGIN_TEXTS.signedIn(account, scope), ...describePrevious(previous)].join('\n'),
    };
  },
});

/** Ends what `login` began. */
export const logoutCommand = defineCommand({
  name: 'logout',
  summary: 'revoke the access that `login` got',
  arguments: {},
  options: {},
  async run(_input, { environment }) {
    const { logout } = await import('./person-login.ts');
    const wasSignedIn = await logout(environment);
    return {
      json: { signed_out: wasSignedIn },
      text: wasSignedIn ? LOGIN_TEXTS.signedOut() : LOGIN_TEXTS.notSignedIn(),
    };
  },
});

function describePrevious(previous: PreviousLogin): string[] {
  switch (previous.kind) {
    case 'none':
      return [];
    case 'revoked':
      return [LOGIN_TEXTS.previousRevoked()];
    case 'not_revoked':
      return [LOGIN_TEXTS.previousNotRevoked(previous.issuer, previous.reason)];
  }
}
