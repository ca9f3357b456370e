import Router, { type RouterContext } from '@koa/router';
import { readForm, readScriptRequest } from '../pages/read-form.ts';
import { redirect } from '../pages/send-page.ts';
import type { PersonSessions } from '../provider/person-sessions.ts';
import { sendSignInPage } from './pages/sign-in-page.ts';
import type { SignIn } from './sign-in.ts';

const SIGN_IN_PURPOSE = 'sign in at /sign-in';

/** Creates the page to sign in without an authorization request, and the way out. */
export function signInRoutes({
  issuer,
  sessions,
  signIn,
}: {
  issuer: string;
  sessions: PersonSessions;
  signIn: SignIn;
}): Router {
  const router = new Router();
  router.get('/sign-in', showSignIn);
  router.post('/sign-in', signInWithPassword);
  router.post('/sign-in/passkey-options', createSignInOptions);
  router.post('/sign-in/passkey', signInWithPasskey);
  router.post('/sign-out', signOut);
  return router;

  async function showSignIn(ctx: RouterContext): Promise<void> {
    if ((await sessions.find(ctx)) !== undefined) redirect(ctx, '/account');
    else sendSignInPage(ctx, { action: '/sign-in' });
  }

  async function signInWithPassword(ctx: RouterContext): Promise<void> {
    const form = await readForm(ctx, issuer);
    const attempt = { username: form.get('username') ?? '', password: form.get('password') ?? '' };
    const problem = await signIn.withPassword(ctx, attempt);
    if (problem === undefined) redirect(ctx, '/account');
    else sendSignInPage(ctx, { action: '/sign-in', username: attempt.username, problem });
  }

  async function createSignInOptions(ctx: RouterContext): Promise<void> {
    await readScriptRequest(ctx, issuer);
    ctx.body = await signIn.createPasskeyOptions(ctx, SIGN_IN_PURPOSE);
  }

  async function signInWithPasskey(ctx: RouterContext): Promise<void> {
    const { credential } = await readScriptRequest(ctx, issuer);
    await signIn.withPasskey(ctx, SIGN_IN_PURPOSE, credential);
    ctx.body = { location: '/account' };
  }

  async function signOut(ctx: RouterContext): Promise<void> {
    await readForm(ctx, issuer);
    await sessions.signOut(ctx);
    redirect(ctx, '/sign-in');
  }
}
