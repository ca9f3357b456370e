import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { COMMAND_LINE_CLIENT_ID } from '../auth/clients/command-line-client.ts';
import type { Environment } from '../shared/configuration/environment.ts';
import { identifierSchema } from '../shared/configuration/variables.ts';
import { createIssuer, type Issuer } from '../shared/resource-server/issuer.ts';
import { describeError } from '../shared/run-until-signalled.ts';
import { deleteLogin, findLogin, type Login, renewLogin, storeLogin } from './login-file.ts';
import { LOGIN_TEXTS } from './login-texts.ts';
import { readSettings } from './read-settings.ts';
import type { TokenResponse } from './token-response.ts';

/** How long a person may take in the browser: as long as auth keeps the request. */
const WAIT_MS = 600_000;

type Settings = ReturnType<typeof readSettings>;

/** The sign-in that a new one has replaced: none, or whether its access is revoked. */
export type PreviousLogin =
  | { readonly kind: 'none' }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'not_revoked'; readonly issuer: string; readonly reason: string };

/**
 * Signs a person in with the authorization code flow of a native client (RFC 8252): the browser returns to a port of this
 * machine. Then it revokes the access of the sign-in that it replaces.
 * @throws when the person refuses, does not answer in time, or auth cannot be reached.
 */
export async function login(
  given: Environment,
  write: (text: string) => void,
): Promise<{ readonly account: string; readonly scope: string; readonly previous: PreviousLogin }> {
  const settings = readSettings(given);
  const { issuer, apiResource: resource, dataDirectory } = settings;
  // a file that cannot be read stops the command before the person signs in
  findLogin(dataDirectory);
  const server = await issuer.metadata();
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  const receiver = createServer();
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  try {
    const redirectUri = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callback`;
    const url = new URL(String(server.authorization_endpoint));
    url.search = String(
      new URLSearchParams({
        response_type: 'code',
        client_id: COMMAND_LINE_CLIENT_ID,
        redirect_uri: redirectUri,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        resource,
        state,
      }),
    );
    write(LOGIN_TEXTS.open(url.href));
    const parameters = oauth.validateAuthResponse(server, CLIENT, await receive(receiver, state), state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      CLIENT,
      oauth.None(),
      parameters,
      redirectUri,
      verifier,
      { ...optionsFor(issuer), additionalParameters: { resource } },
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, CLIENT, response);
    // again, because `token` may have replaced the refresh token meanwhile
    const previous = findLogin(dataDirectory);
    storeLogin(dataDirectory, { issuer: issuer.identifier, resource, refresh_token: String(tokens.refresh_token) });
    return {
      account: String(decodeJwt(tokens.access_token).sub),
      scope: String(tokens.scope),
      previous: await revokePrevious(previous, settings),
    };
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) throw new Error(LOGIN_TEXTS.rejected(error.error));
    throw error;
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
}

/**
 * Requests an access token for the person who signed in at the command line; undefined when no person has, or the login is for
 * another issuer or resource.
 * @throws when the person took the access back.
 */
export async function findPersonToken(
  given: Environment,
  { resource, scope }: { readonly resource?: string; readonly scope?: string },
  options: { readonly fetch?: typeof fetch } = {},
): Promise<TokenResponse | undefined> {
  const { issuer, dataDirectory } = readSettings(given, options);
  const found = findLogin(dataDirectory);
  if (found === undefined || found.issuer !== issuer.identifier || (resource ?? found.resource) !== found.resource)
    return undefined;
  const server = await issuer.metadata();
  try {
    const response = await oauth.refreshTokenGrantRequest(server, CLIENT, oauth.None(), found.refresh_token, {
      ...optionsFor(issuer),
      additionalParameters: { resource: found.resource, ...(scope !== undefined && { scope }) },
    });
    const tokens = await oauth.processRefreshTokenResponse(server, CLIENT, response);
    // before the access token is used: the old refresh token works for a minute only
    renewLogin(dataDirectory, found, String(tokens.refresh_token));
    return {
      access_token: tokens.access_token,
      token_type: 'Bearer',
      expires_in: tokens.expires_in ?? 0,
      scope: String(tokens.scope),
    };
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant')
      throw new Error(LOGIN_TEXTS.ended());
    throw error;
  }
}

/**
 * Revokes the access, and deletes what `login` keeps.
 * @returns whether there was any.
 * @throws when the access cannot be revoked. Then the file stays, because it holds the only refresh token.
 */
export async function logout(given: Environment): Promise<boolean> {
  const settings = readSettings(given);
  const found = findLogin(settings.dataDirectory);
  if (found === undefined) return false;
  try {
    await revoke(found, settings);
  } catch (cause) {
    throw new Error(LOGIN_TEXTS.notRevoked(found.issuer), { cause });
  }
  deleteLogin(settings.dataDirectory);
  return true;
}

const CLIENT: oauth.Client = { client_id: COMMAND_LINE_CLIENT_ID };

function optionsFor(issuer: Issuer) {
  // whether an address may be http is decided where the configuration is read
  return { [oauth.customFetch]: issuer.fetch, [oauth.allowInsecureRequests]: true };
}

/** Revokes the access of a sign-in that a new one has replaced. The new one counts even if that fails. */
async function revokePrevious(previous: Login | undefined, settings: Settings): Promise<PreviousLogin> {
  if (previous === undefined) return { kind: 'none' };
  try {
    await revoke(previous, settings);
    return { kind: 'revoked' };
  } catch (error) {
    return { kind: 'not_revoked', issuer: previous.issuer, reason: describeError(error) };
  }
}

/** Revokes the access of a sign-in at the issuer that it is for, which may be another than `AUTH_ISSUER`. */
async function revoke({ issuer: identifier, refresh_token }: Login, settings: Settings): Promise<void> {
  const issuer = identifier === settings.issuer.identifier ? settings.issuer : createOtherIssuer(identifier, settings);
  const server = await issuer.metadata();
  const response = await oauth.revocationRequest(server, CLIENT, oauth.None(), refresh_token, optionsFor(issuer));
  await oauth.processRevocationResponse(response);
}

/** Creates an issuer without `AUTH_URL`, which is the address of `AUTH_ISSUER`. */
function createOtherIssuer(identifier: string, { environment }: Settings): Issuer {
  // the refresh token goes over http only where the configuration allows it
  if (!identifierSchema(environment).safeParse(identifier).success)
    throw new Error(LOGIN_TEXTS.insecureIssuer(identifier));
  return createIssuer({ identifier });
}

/** Waits for the browser to return. Any program can send requests here, so only one with `state` is the response. */
async function receive(receiver: ReturnType<typeof createServer>, state: string): Promise<URLSearchParams> {
  const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
  const timeout = setTimeout(() => reject(new Error(LOGIN_TEXTS.late())), WAIT_MS);
  receiver.on('request', (request, response) => {
    const { pathname, searchParams } = parseTarget(request.url);
    const isResponse = pathname === '/callback' && searchParams.get('state') === state;
    response.writeHead(isResponse ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' });
    response.end(isResponse ? LOGIN_TEXTS.done() : LOGIN_TEXTS.notFound(), () => {
      if (isResponse) resolve(searchParams);
    });
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timeout);
  }
}

/** The target of a request, such as `//`, need not be a URL. */
function parseTarget(target = ''): Pick<URL, 'pathname' | 'searchParams'> {
  return URL.parse(target, 'http://127.0.0.1') ?? { pathname: '', searchParams: new URLSearchParams() };
}
