import { hash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type Browser, openBrowser, type Page } from './browser.ts';
import { type Person, signIn } from './persons.ts';
import type { System } from './start-system.ts';

const TokenResponse = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number(),
  scope: z.string(),
});
export type TokenResponse = z.infer<typeof TokenResponse>;

/** A client without a credential that gets access tokens through a person (RFC 8252). */
export type PublicClient = {
  readonly id: string;
  readonly redirectUri: string;
  /** The URL of an authorization request. A parameter of undefined is left out. */
  readonly authorizationUrl: (parameters?: Record<string, string | undefined>) => string;
  /** Lets a person sign in and allow the ticked scopes. Returns the parameters of the authorization response. */
  readonly authorize: (
    person: Person,
    options?: {
      scopes?: readonly string[];
      parameters?: Record<string, string | undefined>;
      browser?: Browser;
      action?: string;
    },
  ) => Promise<URLSearchParams>;
  /** The parameters of a token request with `code`. */
  readonly redemption: (code: string, parameters?: Record<string, string>) => Record<string, string>;
  readonly redeem: (code: string, parameters?: Record<string, string>) => Promise<Response>;
  readonly refresh: (refreshToken: string, parameters?: Record<string, string>) => Promise<Response>;
  readonly revoke: (token: string) => Promise<Response>;
  /** Does all of it. */
  readonly connect: (person: Person, scopes?: readonly string[]) => Promise<TokenResponse>;
};

/** Registers a client as a host does (RFC 7591). */
export async function registerPublicClient(
  system: Pick<System, 'issuer' | 'mcpResource'>,
  metadata: Record<string, unknown> = {},
): Promise<PublicClient> {
  const redirectUri = 'http://127.0.0.1:49152/callback';
  const response = await fetch(`${system.issuer}/oauth/register`, {
    method: 'POST',
    // behind a trusted proxy each registration has an address of its own, so that no limit of one address is reached
    headers: { 'content-type': 'application/json', 'x-forwarded-for': `2001:db8:${randomBytes(2).toString('hex')}::1` },
    body: JSON.stringify({ client_name: 'An assistant', redirect_uris: [redirectUri], ...metadata }),
  });
  const { client_id, redirect_uris } = z
    .object({ client_id: z.string(), redirect_uris: z.array(z.string()) })
    .parse(await response.json());
  return createPublicClient(system, client_id, redirect_uris[0] ?? redirectUri);
}

/** Creates the view of a registered client with the id `id`. */
export function createPublicClient(
  { issuer, mcpResource }: Pick<System, 'issuer' | 'mcpResource'>,
  id: string,
  redirectUri: string,
): PublicClient {
  const verifier = randomBytes(32).toString('base64url');
  const post = (path: string, parameters: Record<string, string>) =>
    fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams({ client_id: id, ...parameters }) });

  const client: PublicClient = {
    id,
    redirectUri,
    authorizationUrl(parameters = {}) {
      const query = {
        response_type: 'code',
        client_id: id,
        redirect_uri: redirectUri,
        code_challenge: hash('sha256', verifier, 'base64url'),
        code_challenge_method: 'S256',
        resource: mcpResource,
        state: 'the state',
        ...parameters,
      };
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      return `${issuer}/oauth/authorize?${new URLSearchParams(given)}`;
    },
    async authorize(person, { scopes, parameters, browser = openBrowser(issuer), action = 'allow' } = {}) {
      const consent = await signIn(browser, await browser.open(client.authorizationUrl(parameters)), person);
      const answered = await answerConsent(browser, consent, { scopes, action });
      if (answered.location === undefined) throw new Error(`not sent back: ${answered.status} ${answered.text}`);
      return new URL(answered.location).searchParams;
    },
    redemption: (code, parameters = {}) => ({
      client_id: id,
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...parameters,
    }),
    redeem: (code, parameters) => post('/oauth/token', client.redemption(code, parameters)),
    refresh: (refreshToken, parameters = {}) =>
      post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }),
    revoke: (token) => post('/oauth/revoke', { token }),
    async connect(person, scopes) {
      const code = (await client.authorize(person, { ...(scopes && { scopes }) })).get('code') ?? '';
      return TokenResponse.parse(await (await client.redeem(code)).json());
    },
  };
  return client;
}

/** Answers a consent page. Without `scopes`, every offered scope stays ticked. */
export function answerConsent(
  browser: Browser,
  page: Page,
  { scopes, action = 'allow' }: { scopes?: readonly string[] | undefined; action?: string } = {},
): Promise<Page> {
  const offered = [...page.text.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope = '']) => scope);
  const form = new URLSearchParams({ action, shown: page.fields.shown ?? '' });
  for (const scope of scopes ?? offered) form.append('scope', scope);
  return browser.submit(page.url, form);
}

export function parseTokens(body: unknown): TokenResponse {
  return TokenResponse.parse(body);
}
